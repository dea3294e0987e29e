"""espeak-ng through ctypes: text → PCM, in memory, no audio device.

The library keeps its state in globals, so a process has one of it, behind a lock.
"""

from __future__ import annotations

import ctypes
import threading
from array import array
from collections.abc import Callable
from functools import cache

# From espeak-ng's public header, speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2  # hand samples to the callback, play nothing
_INITIALIZE_DONT_EXIT = 0x8000  # without it a missing data folder ends the whole process
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_PITCH = 3
_BUFFER_MS = 200
_GO_ON, _STOP = 0, 1

_STARTING = threading.Lock()

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The loaded library.

    Attributes:
        rate: Sample rate of what it speaks, hertz.
    """

    def __init__(self, library: ctypes.CDLL, rate: int) -> None:
        self.rate = rate
        self._library = library
        self._lock = threading.Lock()

    def speak(self, text: str, *, voice: str, pitch: int, seconds: float, cancelled: Callable[[], bool]) -> array[int]:
        """Speak a text.

        Args:
            text: What to say.
            voice: espeak's name of a voice, such as `en-us+f3`.
            pitch: 0 to 99, 50 is usual.
            seconds: Stop after this much speech.
            cancelled: Asked at every buffer: whether to stop.

        Returns:
            Mono 16-bit samples at `rate`.
        """
        samples: array[int] = array("h")
        most = int(seconds * self.rate)

        def take(wave: ctypes._Pointer[ctypes.c_short] | None, count: int, _events: int | None) -> int:
            if wave and count > 0:
                samples.frombytes(ctypes.string_at(wave, count * samples.itemsize))
            return _STOP if len(samples) >= most or cancelled() else _GO_ON

        callback = _CALLBACK(take)  # the library keeps the pointer: it must outlive the call to espeak_Synth
        encoded = text.encode() + b"\0"
        with self._lock:
            self._library.espeak_SetSynthCallback(callback)
            self._library.espeak_SetVoiceByName(voice.encode())
            self._library.espeak_SetParameter(_PITCH, pitch, 0)
            self._library.espeak_Synth(encoded, len(encoded), 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        return samples[:most]


def load() -> Espeak | None:
    """Return the library that `espeakng-loader` brings; None if it is missing or doesn't start."""
    with _STARTING:  # of two threads that come first, a cache alone would let both start it
        return _load()


@cache
def _load() -> Espeak | None:
    try:
        import espeakng_loader  # noqa: PLC0415 - optional, and it loads a shared library

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
    except (ImportError, OSError, RuntimeError):
        return None
    library.espeak_SetSynthCallback.argtypes = [_CALLBACK]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data.encode(), _INITIALIZE_DONT_EXIT)
    return Espeak(library, rate) if rate > 0 else None
