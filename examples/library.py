"""Index thirty films and ask three questions, one in Chinese about a film in English. This is `make library`.

The films are made here, and a stand-in for the service answers: it knows these films, by the pixels that it is sent
(`library_demo/model.py`). What it sees and answers is simulated; cutting, searching, citing and drawing are not.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from library_demo.films import make_films
from library_demo.model import answer

from langchain_dmx_omni import ChatDMXOmni, DMXOmniError
from langchain_dmx_omni.library import Library
from langchain_dmx_omni.testing import LocalGateway

QUESTIONS = (
    "When does the road over the mountain pass open again?",
    "起重机为什么停下来？",  # "Why does the crane stop?", of a film in English
    "红烧肉要炖多久？",  # "How long does red-braised pork simmer?"
)


def main() -> int:
    """Make, index, ask and draw; a mistake becomes one line and exit status 1."""
    parser = argparse.ArgumentParser(description="Index thirty films and ask about them.")
    parser.add_argument("--folder", type=Path, default=Path("library-demo"), help="where films and library go")
    parser.add_argument("--films", type=int, default=30, help="how many of the films")
    parser.add_argument("--engine", choices=("threads", "ray"), default="threads", help="what carries them through")
    args = parser.parse_args()
    # A proxy that the environment names has no way to this machine's loopback.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    try:
        films = make_films(args.folder / "films", count=args.films)
        print(f"Films:     {len(films)} in {args.folder / 'films'}", flush=True)
        with LocalGateway(answer=answer) as gateway:
            os.environ["DMXAPI_API_KEY"] = gateway.api_key  # the processes of a cluster look for it there
            llm = ChatDMXOmni(base_url=gateway.base_url)
            library = Library.open(str(args.folder / "films.library"), llm=llm)
            since = time.monotonic()
            report = library.add(films, engine=args.engine)
            requests = len(gateway.requests)
            print(f"Index:     {report}, {requests} requests, {time.monotonic() - since:.1f} s")
            ask(library, args.folder)
    except (DMXOmniError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def ask(library: Library, folder: Path) -> None:
    """Put the questions, print the answers with their evidence, and draw the moments of each."""
    for number, question in enumerate(QUESTIONS, 1):
        reply = library.ask(question, voice="Tina")
        print(f"\nQuestion:  {question}\nAnswer:    {reply.text}")
        for citation in reply.citations:
            print(f"           {citation}")
        sheet, speech = folder / f"moments-{number}.png", folder / f"answer-{number}.wav"
        reply.contact_sheet().save(sheet)
        print(f"Pictures:  {sheet}")
        if reply.speech is not None:
            reply.speech.save(speech)
            print(f"Speech:    {speech} ({reply.speech.duration:.1f} s)")


if __name__ == "__main__":
    sys.exit(main())
