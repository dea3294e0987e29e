"""The model behind Gradio's chat, for those who build on it: text, files and the microphone in, text and speech out.

pip install gradio 'langchain-dmx-omni[image,video]'
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import gradio
except ImportError:
    print("This example needs Gradio: pip install gradio\nWithout it: dmx-omni web is a page of this package's own.")
    sys.exit()

from langchain_dmx_omni import ChatDMXOmni, DMXOmniError, Speech, media

BLOCKS = {
    ".png": media.image,
    ".jpg": media.image,
    ".jpeg": media.image,
    ".webp": media.image,
    ".heic": media.image,
    ".wav": media.audio,
    ".mp3": media.audio,
    ".m4a": media.audio,
    ".flac": media.audio,
}
"""By how a file's name ends; any other is a video."""

llm = ChatDMXOmni(voice="Tina")


def answer(message: dict[str, Any], _history: list[Any]) -> Iterator[list[Any]]:
    """Yield the answer as far as it is there, its speech last."""
    text, chunks = "", []
    try:
        files = [BLOCKS.get(Path(path).suffix.lower(), media.video)(path, fit=True) for path in message["files"]]
        for chunk in llm.stream([*files, message["text"] or "Answer what is asked."]):
            chunks.append(chunk)
            text += chunk.text
            yield [text]
        wav = Speech.from_chunks(chunks).save(Path(tempfile.mkdtemp(prefix="dmx-omni-")) / "answer.wav")
    except DMXOmniError as error:
        raise gradio.Error(str(error)) from error
    yield [text, gradio.Audio(str(wav))]


gradio.ChatInterface(
    answer,
    multimodal=True,
    textbox=gradio.MultimodalTextbox(sources=["upload", "microphone"]),
    title="qwen3.5-omni-plus-all",
).launch(server_name="127.0.0.1")
