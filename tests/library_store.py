"""Documents, and embeddings that know a little of what words mean, for the tests of the library's store."""

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

TOPICS = (("crane", "hoist", "起重机", "吊"), ("cook", "kitchen", "soup", "汤"), ("music", "piano", "song", "钢琴"))


class Topics(Embeddings):
    """A vector with a dimension for each topic, so that words of one topic are near, in either language."""

    def __init__(self, model: str = "topics", dimensions: int = 4) -> None:
        self.model = model
        self.dimensions = dimensions

    def embed_query(self, text: str) -> list[float]:
        counts = [float(sum(text.lower().count(word) for word in topic)) for topic in TOPICS]
        return [*counts, 0.1, *[0.0] * self.dimensions][: self.dimensions]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def moment(
    id: str, source: str, start: float, end: float, text: str, kind: str = "caption", **more: object
) -> Document:
    metadata = {"source": source, "start_seconds": start, "end_seconds": end, "kind": kind, **more}
    return Document(text, metadata=metadata, id=id)


MOMENTS = [
    moment("a1", "O'Brien.mp4", 0, 10, "The crane stopped swinging in the wind."),
    moment("a2", "O'Brien.mp4", 10, 20, "Workers hoist a beam.", kind="speech", speaker="Ann"),
    moment("a3", "O'Brien.mp4", 20, 30, "They cook soup in the kitchen."),
    moment("b1", "工地.mp4", 0, 10, "起重机停止了，工人们在吃饭。"),
    moment("b2", "工地.mp4", 10, 20, "一位女士在弹钢琴。", kind="text"),
    moment("c1", r'C:\new "one"\film.mp4', 5, 5, "A song is played on the piano."),
]
