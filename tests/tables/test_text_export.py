import io
from dataclasses import replace

import docx

from analysis.tables.text_export import TEXT_FORMATS, text_contents


def test_every_format_holds_every_paragraph_and_reference(paragraphs):
    contents = text_contents(paragraphs)
    assert tuple(contents) == TEXT_FORMATS
    document = docx.Document(io.BytesIO(contents["docx"]))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[:4] == ["Methods", paragraphs.methods, "Results", paragraphs.results]
    assert texts[5] == f"1. {paragraphs.references[0]}"
    assert len(texts) == 5 + len(paragraphs.references)
    assert contents["html"].count("<li>") == len(paragraphs.references)
    assert contents["tex"].count(r"\item ") == len(paragraphs.references)
    assert "\n1. Katz" in contents["md"]


def test_signs_are_escaped(paragraphs):
    text = replace(paragraphs, methods="50% & <b> τ² [1]", results="", references=())
    contents = text_contents(text)
    assert "<p>50% &amp; &lt;b&gt; τ² [1]</p>" in contents["html"]
    assert r"50\% \& \textless{}b\textgreater{}" in contents["tex"]
    assert r"50% &amp; \<b\> τ² \[1\]" in contents["md"]
    assert "Results" not in contents["tex"]
    assert "References" not in contents["md"]


def test_bytes_are_the_same_twice(paragraphs):
    assert text_contents(paragraphs) == text_contents(paragraphs)
