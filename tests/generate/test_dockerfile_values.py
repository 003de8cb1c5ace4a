"""Every name and value comes back from a Dockerfile, whatever it is."""

import json
import shlex

from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.generate.build_facts import Build, Program, Taken
from ferrule.generate.service import Service
from ferrule.health import Health
from tests.generate.dockerfile_reader import instructions, pairs, rests, word, words_of_list
from tests.generate.test_dockerfile import text_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LINES = TEXTS.filter(lambda text: not set(text) & set("\n\r"))
NAMES = LINES.map(lambda text: text.replace("/", "") or "on").filter(lambda text: text not in (".", ".."))
PATHS = NAMES.map(lambda name: f"/data/{name}")


@settings(max_examples=300)
@given(
    name=NAMES,
    value=LINES,
    key=LINES.map(lambda text: f"k{text.replace('=', '')}"),
    args=st.lists(TEXTS, max_size=3).map(tuple),
    path=PATHS,
    cache=st.sampled_from(("mount", "chef")),
    text=TEXTS,
)
def test_every_value_comes_back(
    name: str, value: str, key: str, args: tuple[str, ...], path: str, cache: str, text: str
) -> None:
    service = Service(
        name=name,
        description=text,
        contract=(Variable(name="A", default=value),),
        args=args,
        volumes=(path,),
        workdir=path,
        health=Health(command=("/x", text)),
        build=Build(
            rust="1.95.0",
            programs=(Program(package=name, binary=name),),
            cache=cache,  # type: ignore[arg-type]  # hypothesis knows no Literal
            link_reason=text,
            base_reason=text,
            labels=((key, value),),
            files=(Taken(source=name, target=path),),
        ),
    )
    known = ("FROM", "WORKDIR", "ENV", "COPY", "RUN", "LABEL", "USER", "VOLUME")
    written = text_of(service)
    found = instructions(written)
    assert {each for each, _ in found} <= {*known, "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {"A": value} in [pairs(rest) for rest in rests(written, "ENV")]
    assert [pairs(rest) for rest in rests(written, "LABEL")] == [{key: value}]
    assert word(rests(written, "WORKDIR")[-1]) == path
    assert words_of_list(rests(written, "VOLUME")[0]) == [path]
    assert json.loads(rests(written, "ENTRYPOINT")[0]) == [f"/app/{name}"]
    assert [tuple(json.loads(rest)) for rest in rests(written, "CMD")] == ([args] if args else [])
    assert json.loads(rests(written, "HEALTHCHECK")[0].partition("CMD ")[2]) == ["/x", text]
    runs = [shlex.split(rest) for rest in rests(written, "RUN")]
    (cargo,) = (words for words in runs if "rustc" in words)
    assert cargo[cargo.index("--bin") + 1] == name
    assert cargo[cargo.index("--package") + 1] == name
    (copied,) = (words for words in runs if "-rLT" in words)
    at = copied.index("-rLT")
    assert copied[at + 2 : at + 4] == [name, f"/image{path}"]
