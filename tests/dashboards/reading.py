"""A report read back as text."""

from io import BytesIO

from pypdf import PdfReader


def report_at(browser, address, **asked):
    response = browser.get(address, asked)
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    return PdfReader(BytesIO(response.content))


def squeezed(text):
    """Without blanks: where a line ends is the typesetter's."""
    return "".join(text.split())


def text_of(reader):
    return squeezed("".join(page.extract_text() for page in reader.pages))


def check_form(reader, *, title, on_each):
    """Tagged, with title and language, page x of y, and on every page what says whose it is."""
    root, count = reader.trailer["/Root"], len(reader.pages)
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"] and root["/Lang"].startswith("en")
    assert "pdfuaid" in root["/Metadata"].get_data().decode()
    assert (reader.metadata.title, root["/ViewerPreferences"]["/DisplayDocTitle"]) == (title, True)
    for number, page in enumerate(reader.pages, start=1):
        text = squeezed(page.extract_text())
        for said in (f"Page {number} of {count}", *on_each):
            assert squeezed(said) in text, said


def check_is_vectors(reader):
    """Nothing in it is a picture of pixels, and every font is in it."""
    for page in reader.pages:
        for one in walk(page["/Resources"]):
            assert one.get("/Subtype") != "/Image"
            for font in one.get("/Font", {}).values():
                descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def walk(resources):
    yield resources
    for one in resources.get("/XObject", {}).values():
        drawn = one.get_object()
        yield drawn
        yield from walk(drawn.get("/Resources", {}))
