"""PDFs as a court, a screen reader and a printer need them."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest
from pypdf.generic import DictionaryObject

from libs import colours, threads
from libs.documents import glyphs, render
from services.instalments.documents.agreement import agreement
from services.instalments.documents.information import information
from services.instalments.documents.letters import reminder
from services.instalments.documents.secci import secci
from services.instalments.rules.terms import LARGEST_MINOR
from tests.services.instalments.documents.drawn_up import (
    TODAY,
    credit,
    deferral,
    pages,
    read,
    visible,
)


def tags(pdf: bytes) -> list[str]:
    """Tags of the structure tree, in reading order."""
    found: list[str] = []

    def walk(node: object) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for kid in node:
                walk(kid)
        elif isinstance(node, DictionaryObject):
            if "/S" in node:
                found.append(node["/S"])
            walk(node.get("/K"))

    walk(read(pdf).trailer["/Root"]["/StructTreeRoot"]["/K"])
    return found


def texts_of(block: object) -> list[str]:
    if isinstance(block, str):
        return [block]
    if isinstance(block, dict):
        block = [value for name, value in block.items() if name != "block"]
    return [text for each in block for text in texts_of(each)] if isinstance(block, list) else []


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("sheet", [secci, agreement])
def test_all_that_a_sheet_says_can_be_read_out_of_its_pdf(sheet, locale: str):
    drawn_up = sheet(credit(locale=locale))
    printed = " ".join(pages(render.pdf(drawn_up))).replace(" ", "")
    laid_out = render._laid_out(drawn_up)
    for text in [*texts_of(laid_out["blocks"]), drawn_up.title, drawn_up.version]:
        assert visible(text).replace(" ", "") in printed


@pytest.mark.parametrize(
    ("locale", "language", "title"),
    [("it", "it-IT", "Contratto di credito"), ("en", "en-GB", "Credit agreement")],
)
def test_a_document_names_its_language_title_and_standard(locale: str, language: str, title: str):
    pdf = read(render.pdf(agreement(credit(locale=locale))))
    root = pdf.trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == title
    assert pdf.metadata.author == "Ceramiche Bianchi S.r.l."
    xmp = root["/Metadata"].get_object().get_data()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in xmp


def test_headings_tables_and_paragraphs_are_tagged_in_reading_order():
    found = tags(render.pdf(agreement(credit())))
    assert found.index("/H1") < found.index("/H2") < found.index("/Table") < found.index("/H3")
    assert {"/TR", "/TH", "/TD", "/THead", "/TBody", "/P"} <= set(found)
    assert found.count("/H1") == 1


def test_the_same_sheet_gives_the_same_bytes_and_another_amount_others():
    first, again = (render.pdf(secci(credit())) for _ in range(2))
    assert first == again
    assert render.pdf(secci(credit(amount_minor=60_001))) != first


async def test_several_are_made_at_once_beside_the_event_loop():
    sheet = information(deferral())
    made = await asyncio.gather(*(threads.run(render.pdf, sheet) for _ in range(6)))
    assert set(made) == {render.pdf(sheet)}


def heights(pdf: bytes) -> list[float]:
    """Heights of the texts on the first page, above its lower edge."""
    found: list[float] = []

    def note(text: str, cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if text.strip():
            found.append(tm[4] * cm[1] + tm[5] * cm[3] + cm[5])

    read(pdf).pages[0].extract_text(visitor_text=note)
    return found


def test_the_head_of_a_page_is_one_line_whatever_its_texts():
    plan = deferral(order_reference="B-" * 100)
    plan = replace(plan, creditor=replace(plan.creditor, name="interminabile " * 14))
    long, short = (max(heights(render.pdf(agreement(each)))) for each in (plan, deferral()))
    assert long == pytest.approx(short, abs=1)


def test_120_instalments_repeat_the_header_of_their_table_and_count_their_pages():
    printed = pages(render.pdf(agreement(credit(payments=120, amount_minor=600_000))))
    holding = [text for text in printed if "gennaio 20" in text]
    assert len(holding) >= 3
    assert all("N. Scadenza Capitale Interessi Spese Da pagare" in text for text in holding)
    for number, text in enumerate(printed, start=1):
        assert f"Pagina {number} di {len(printed)}" in text


@pytest.mark.parametrize("locale", ["it", "en"])
def test_part_one_of_the_standard_information_is_on_the_first_page_whatever_its_texts(locale: str):
    word = "interminabile " * 14
    plan = credit(locale=locale, goods=word.strip(), shopper=word.strip())
    plan = replace(plan, creditor=replace(plan.creditor, name=word.strip()))
    sheet = secci(plan)
    key = next(block for block in sheet.blocks if block.block == "facts")
    first = pages(render.pdf(sheet))[0].replace(" ", "")
    for about, values in key.rows:
        assert visible(about).replace(" ", "") in first
        assert visible(values[-1]).replace(" ", "") in first


@pytest.mark.parametrize("sheet", [information, agreement])
def test_what_people_write_is_never_markup(sheet):
    name = r'#image("x") *b* _i_ $x$ `c` <label> @ref \u{41} // = T'
    printed = " ".join(pages(render.pdf(sheet(deferral(shopper=name, goods=name)))))
    assert name in printed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Łukasz Żółć", "Łukasz Żółć"),
        ("Nguyễn Thị Ằng", "Nguyễn Thị Ằng"),
        ("Олена Ґалаґан", "Олена Ґалаґан"),
        ("Ελένη Παπαδοπούλου", "Ελένη Παπαδοπούλου"),
        ("王小明", "WangXiaoMing"),
        ("Fiori 🌸🌸", "Fiori •"),
        ("Zoe\u0308", "Zoë"),
    ],
)
def test_names_are_shown_or_put_in_latin_letters(name: str, shown: str):
    assert shown in " ".join(pages(render.pdf(agreement(deferral(shopper=name)))))


@pytest.mark.parametrize(
    "name", ["محمد عبد الله", "אברהם כהן", "x" * 200, "🧾" * 60, "\u0301\u200d"]
)
def test_other_names_spoil_nothing(name: str):
    pdf = render.pdf(agreement(deferral(shopper=name)))
    assert "160,01 €" in " ".join(pages(pdf))


def test_the_fonts_draw_every_character_that_is_left_as_it_is():
    kept = [chr(code) for code in range(0x3000) if not glyphs._FOREIGN.match(chr(code))]
    assert len(kept) > 1_500
    sheet = information(deferral())
    texts = ["".join(kept[start : start + 20]) for start in range(0, len(kept), 20)]
    facts = next(block for block in sheet.blocks if block.block == "facts")
    drawn = replace(facts, rows=[("x", texts)])
    assert render.pdf(replace(sheet, blocks=[drawn]))  # a PDF/UA error names missing glyphs


def test_the_largest_amounts_have_a_place():
    """A column that is too narrow would wrap a date, or overlap the next column."""
    proposed = credit()
    plan = credit(
        amount_minor=LARGEST_MINOR,
        classification=proposed.classification,
        withdraw_until=proposed.withdraw_until,
    )
    printed = " ".join(pages(render.pdf(agreement(plan))))
    assert "1 26 novembre 2026 (alla firma) 1.6" in printed
    assert "Totale 9.999.999.999,99 € 187." in printed


@pytest.mark.parametrize("colour", ["#ffee00", "#00ffcc", "#0b6b57", "#ffffff", "nonsense"])
def test_a_merchants_colour_is_legible_on_paper_and_on_its_own_tint(colour: str):
    plan = deferral()
    plan = replace(plan, creditor=replace(plan.creditor, colour=colour))
    laid_out = render._laid_out(information(plan))
    for ground in (colours.WHITE, laid_out["tint"]):
        assert colours.contrast(laid_out["colour"], ground) >= colours.TEXT_RATIO


def test_every_font_is_in_the_file():
    fonts = [
        font["/DescendantFonts"][0]["/FontDescriptor"]
        for page in read(render.pdf(secci(credit()))).pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def test_a_letter_is_dated_by_the_day_on_which_it_is_written():
    sheet = reminder(credit(), signed_on=TODAY, written_on=date(2026, 11, 28))
    pdf = render.pdf(sheet)
    assert "28 novembre 2026" in pages(pdf)[0]
    assert read(pdf).metadata.creation_date.date() == date(2026, 11, 28)
