"""Bad inputs, made from a seed: what is sent well to a page, with something wrong about it.

Pure: what is good, and where it goes, comes from whoever asks. Values are bytes: their encoding may be what is wrong.
"""

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

import openpyxl

Pair = tuple[bytes, bytes]
FORM = "application/x-www-form-urlencoded"
BOUNDARY = b"a-boundary"

# If a page shows this as it stands, a browser carries it out.
LIVE = b"<script>alert(1)</script>"
VALUES: dict[str, Sequence[str | bytes]] = {
    "control characters": (
        "\x00", "a\x00b", "\x01\x02\x1b[2J", "a\r\nSet-Cookie: a=b", "\x7f", "\x85\u2028\u2029", "\t\t",
        "\x0b\x0c",
    ),
    "lone surrogates": ("\ud800", "a\udfffb", "\udc00\ud800"),
    "broken UTF-8": (b"\xff\xfe", b"a\xc0\x80b", b"\xe2\x82", b"\xf4\x90\x80\x80", b"caf\xe9"),
    "marks": (
        "\u202eneddih\u202c", "\u200f\u2066\u2069", "\ufeff", "\u200b", "e" + "\u0301" * 500,
        "\U0001f468\u200d\U0001f469", "\ufffe\uffff", "\ufdfd", "ı İ ß ﬀ",
    ),
    "numbers": (
        "NaN", "-Infinity", "1e400", "-1e-400", "9" * 400, "1" * 5000, "-1", "2147483648", "-9223372036854775809",
        "0x10", "1_000", "٣", "½", "1,5", "-0", "+5", "1e5", "5.0000000001", "  5  ", "²",
    ),
    "days": (
        "0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "29.2.2025", "2026-13-01",
        "-2026-01-01", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "2026-W01-1", "25:61", "٢٠٢٦-٠١-٠١",
        "2026-01-01\n", "1999-12-31", "2199-01-01",
    ),
    "wrong types": ("", " ", "null", "true", "[]", "{}", "on", "None", "undefined", "[object Object]", '{"a": [1]}'),
    "ids of nobody": (
        "00000000-0000-4000-8000-000000000000", "00000000000040008000000000000000", "1", "-1", "../../etc/passwd",
        "{00000000-0000-4000-8000-000000000000}", "urn:uuid:00000000-0000-4000-8000-000000000000",
    ),
    "payloads": (
        "' OR 1=1 --", "'; DROP TABLE clients_client; --", "\\", "%' ESCAPE '", "1; SELECT pg_sleep(9)", "{{ 7*7 }}",
        "{% include '/etc/passwd' %}", "${7*7}", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
        '"><svg/onload=alert(1)>', "javascript:alert(1)", "//elsewhere.example/", "/\\elsewhere.example",
        "https://elsewhere.example/", '#read("/etc/passwd")', "]#panic()[", "$ x $ /* // */ @label",
        "=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "\t=1", "＝1+1", "%0d%0aX-Made: yes", "../" * 20 + "etc/passwd",
        "%s%n%x%(name)s", "{0.__class__}", "$(id)",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "*" * 200, "(" * 5000, "[[[" * 999,
    ),
    "long": ("a" * 1_000_000, "𝕏" * 70_000, " " * 100_000 + "a", "a\n" * 50_000),
}  # fmt: skip
# Large ones take their time.
WEIGHTS = [1 if kind == "long" else 8 for kind in VALUES]
JSON_VALUES: Sequence[Any] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    0.1,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
    [1, "2", None],
    {"1": 5, "1 ": 6},
    {"1": {"2": 3}},
    {"-1": 5},
    {"9" * 400: 1},
    {"\x00": 1},
    {"\ud800": 1},
    {"1": "\x00"},
    {"1": True},
    {"1": 5.5},
    {"1": float("nan")},
    "",
)
NAMES_NOBODY_ASKED_FOR = (
    "id",
    "pk",
    "organisation",
    "organisation_id",
    "version",
    "created_by",
    "is_administrator",
    "__proto__",
    "submission",
    "csrfmiddlewaretoken",
    "next",
    "_method",
    "a[b][c]",
    "item-0",
    "item-99999999999",
    "item--1",
    "item-١",
    "\x00",
    "\ud800",
    "",
    "sudo",
    "format",
    "do",
    "confirmed",
)
HEADERS: Sequence[dict[str, str]] = (
    {"HTTP_HOST": "elsewhere.example"},
    {"HTTP_HOST": "testserver:99999999"},
    {"HTTP_HOST": "["},
    {"HTTP_X_FORWARDED_HOST": "elsewhere.example", "HTTP_X_FORWARDED_PROTO": "gopher"},
    {"HTTP_X_FORWARDED_FOR": "::1%eth0, 1.2.3.4.5, " + "9" * 3000},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    {"HTTP_ACCEPT_LANGUAGE": "de-" * 2000 + ";q=NaN, *;q=1e9,,,"},
    {"HTTP_ACCEPT_LANGUAGE": "../../x;q=1, \xff\xfe;q=0.5"},
    {"HTTP_ACCEPT": "application/json;q=x, \xff/\xff; version=\xff"},
    {"HTTP_ACCEPT_ENCODING": "gzip;q=-1, br;q=9e9, \xff"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://[bad/\xff", "HTTP_HX_TARGET": "\xff"},
    {
        "HTTP_HX_REQUEST": "\xff",
        "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": "true",
        "HTTP_HX_CURRENT_URL": "%FF%00%ED%A0%80",
    },
    {"HTTP_REFERER": "http://[", "HTTP_ORIGIN": "null"},
    {"HTTP_IF_MODIFIED_SINCE": "Mon, 99 Foo 99999 99:99:99 GMT", "HTTP_IF_NONE_MATCH": '"\xff'},
    {"HTTP_RANGE": "bytes=-9999999999999999999-"},
    {"HTTP_USER_AGENT": "\xff\xfe{{7*7}}" + "a" * 5000},
    {"HTTP_AUTHORIZATION": "Bearer"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\xfe " + "a" * 5000},
    {"HTTP_AUTHORIZATION": "Basic \xff:=="},
    {"HTTP_IDEMPOTENCY_KEY": "\xff" * 300},
    {"HTTP_X_REQUEST_ID": "\xff{%" + "a" * 3000},
    {"HTTP_EXPECT": "200-maybe", "HTTP_TRANSFER_ENCODING": "chunked, \xff"},
    {"HTTP_CONTENT_ENCODING": "gzip"},
    {"REMOTE_ADDR": ""},
)
# An octal escape in a quoted cookie becomes the character, whatever a header may hold itself.
ODD = (
    r'"\000\000\000\000\000\000\000\000"',
    '"\\777',
    "\xff\xfe" * 8,
    "a" * 3000,
    "",
    "{{7*7}}'--",
    "=;==;",
    r'"\012Set-Cookie: a"',
    "null",
)
COOKIES = ("sessionid", "csrftoken", "rating-language", "messages", "__Host-sessionid", "opened-", "rating-", "a b")
CHARSETS = (
    "nonsense",
    "utf-7",
    "utf-16",
    "hex",
    "zip",
    "rot13",
    "idna",
    "undefined",
    "ascii",
    "\xff",
    "",
    "unicode_escape",
    "punycode",
)


@dataclass
class Bad:
    """A request, and in words what is wrong with it. `address` is percent-encoded, `headers` are those of WSGI."""

    method: str
    address: str
    what: str
    body: bytes = b""
    content_type: str = FORM
    headers: dict[str, str] = field(default_factory=dict)
    cookies: str = ""


def as_bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogatepass")


def encoded(pairs: Sequence[Pair]) -> bytes:
    return b"&".join(quote_from_bytes(name).encode() + b"=" + quote_from_bytes(value).encode() for name, value in pairs)


def multipart(pairs: Sequence[Pair], files: Sequence[tuple[bytes, bytes, bytes]] = (), end: bytes = b"--") -> bytes:
    """`files`: the name of the field, that of the file, and its content."""
    parts = [b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % pair for pair in pairs]
    parts += [
        b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: text/csv\r\n\r\n%s' % file
        for file in files
    ]
    return b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY, part) for part in parts) + b"--" + BOUNDARY + end + b"\r\n"


MULTIPART = f"multipart/form-data; boundary={BOUNDARY.decode()}"


class Maker:
    """Makes bad inputs; the same seed, asked the same, makes the same ones. `ids` are of records of others."""

    def __init__(self, seed: int, ids: Sequence[str] = ()) -> None:
        self.random = Random(seed)
        self.ids = ids

    def value(self) -> tuple[str, bytes]:
        """Which kind of bad value, and one of them."""
        kind = self.random.choices(list(VALUES), WEIGHTS)[0]
        if kind == "ids of nobody" and self.ids and self.random.random() < 0.7:
            return "ids of others", as_bytes(self.random.choice(self.ids))
        return kind, as_bytes(self.random.choice(VALUES[kind]))

    def some(self, of: Sequence[Any], most: int = 3) -> list[Any]:
        return self.random.sample(list(of), min(len(of), self.random.randint(1, most)))

    def around(self, bad: Bad) -> Bad:
        """Sometimes with odd headers or cookies besides."""
        if self.random.random() < 0.12:
            bad.headers = dict(self.random.choice(HEADERS))
            bad.what += ", odd headers"
        if self.random.random() < 0.08:
            bad.cookies = f"{self.random.choice(COOKIES)}={self.random.choice(ODD)}"
            bad.what += ", odd cookies"
        return bad

    # --- Forms --------------------------------------------------------------------------------------

    def form(self, address: str, good: dict[str, Any], names: Sequence[str]) -> Bad:
        """`names`: what the page asks for, the optional ones included."""
        pairs, files = self.pairs(good)
        names = sorted({*names, *good})
        wrongs: list[Callable[[], str]] = [
            *[lambda: self.spoil(pairs, names)] * 8,
            *[lambda: self.spoil_all(pairs, names)] * 2,
            lambda: self.drop(pairs),
            lambda: self.repeat(pairs),
            lambda: self.add(pairs),
        ]
        if self.random.random() < 0.75:
            what = self.random.choice(wrongs)()
            body = multipart(pairs, files) if files else encoded(pairs)
            return self.around(Bad("POST", address, what, body, MULTIPART if files else FORM))
        return self.around(self.broken_body(address, pairs, files))

    def pairs(self, good: dict[str, Any]) -> tuple[list[Pair], list[tuple[bytes, bytes, bytes]]]:
        pairs, files = [], []
        for name, value in good.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                if hasattr(one, "read"):
                    one.seek(0)
                    files.append((name.encode(), one.name.encode(), one.read()))
                else:
                    pairs.append((name.encode(), as_bytes(one)))
        return pairs, files

    def spoil(self, pairs: list[Pair], names: Sequence[str]) -> str:
        kinds = []
        for name in self.some(names or NAMES_NOBODY_ASKED_FOR):
            kind, value = self.value()
            pairs[:] = [pair for pair in pairs if pair[0] != as_bytes(name)] + [(as_bytes(name), value)]
            kinds.append(f"{kind} in {name!r}")
        return " and ".join(kinds)

    def spoil_all(self, pairs: list[Pair], names: Sequence[str]) -> str:
        kind, value = self.value()
        if len(value) > 50_000:
            value = value[:9_999]
        pairs[:] = [(as_bytes(name), value) for name in names or NAMES_NOBODY_ASKED_FOR]
        return f"{kind} everywhere"

    def drop(self, pairs: list[Pair]) -> str:
        gone = {name for name, _value in self.some(pairs)} if pairs else set()
        pairs[:] = [pair for pair in pairs if pair[0] not in gone]
        return f"without {gone or 'anything'}"

    def repeat(self, pairs: list[Pair]) -> str:
        names = {name for name, _value in self.some(pairs)} if pairs else {b"version"}
        pairs += [(name, self.value()[1]) for name in names for _time in range(2)]
        return f"{names} several times"

    def add(self, pairs: list[Pair]) -> str:
        added = self.some(NAMES_NOBODY_ASKED_FOR, 5)
        pairs += [(as_bytes(name), self.value()[1]) for name in added]
        return f"{added} besides"

    def broken_body(self, address: str, pairs: list[Pair], files: Sequence[tuple[bytes, bytes, bytes]]) -> Bad:
        whole = multipart(pairs, files)
        cut = self.random.randrange(len(whole))
        charset = self.random.choice(CHARSETS)
        some = [(name, b"name.csv", value) for name, value in pairs]
        bodies: list[tuple[str, bytes, str]] = [
            ("a multipart body cut off", whole[:cut], MULTIPART),
            ("a multipart body without an end", multipart(pairs, files, end=b""), MULTIPART),
            ("no boundary", whole, "multipart/form-data"),
            ("another boundary", whole, "multipart/form-data; boundary=another"),
            ("a long boundary", whole, "multipart/form-data; boundary=" + "a" * 300),
            ("an odd boundary", whole, 'multipart/form-data; boundary="\xff\xfe"'),
            (f"multipart in {charset}", whole, f"{MULTIPART}; charset={charset}"),
            (f"a form in {charset}", encoded(pairs), f"{FORM}; charset={charset}"),
            ("files for fields", multipart([], some), MULTIPART),
            ("fields for files", multipart([*pairs, (b"file", b"a,b\n1,2\n")]), MULTIPART),
            ("nothing", b"", MULTIPART),
            ("base64 that is none", self.transfer(pairs, b"base64"), MULTIPART),
            ("an unknown transfer encoding", self.transfer(pairs, b"x-made-up"), MULTIPART),
            (
                "odd headers of a part",
                whole.replace(b"Content-Disposition", b"Content-Disposition: x\r\n\xff"),
                MULTIPART,
            ),
            ("a name without an end", whole.replace(b'"\r\n', b"\r\n"), MULTIPART),
            ("a name in another charset", whole.replace(b'name="', b"name*=zip''%FF; name=\""), MULTIPART),
            (
                "JSON for a form",
                json.dumps({k.decode(errors="replace"): 1 for k, _ in pairs}).encode(),
                "application/json",
            ),
            ("JSON said to be a form", b'{"a": 1}', FORM),
            ("bytes", self.random.randbytes(200), FORM),
            ("bytes of no type", self.random.randbytes(200), ""),
            ("many fields", b"&".join(b"a%d=1" % n for n in range(12_000)), FORM),
            ("too much", b"a=" + b"b" * 2_600_000, FORM),
            ("half of a percent sign", encoded(pairs) + b"&a=%&b=%F&%=%ZZ&&&==", FORM),
        ]
        what, body, content_type = self.random.choice(bodies)
        return Bad("POST", address, what, body, content_type)

    def transfer(self, pairs: list[Pair], encoding: bytes) -> bytes:
        return multipart(pairs).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: %s\r\n\r\n" % encoding)

    # --- Addresses ----------------------------------------------------------------------------------

    def query(self, address: str, names: Sequence[str], *, rest: Sequence[Pair] = ()) -> Bad:
        names = list(names) if self.random.random() < 0.85 and names else list(NAMES_NOBODY_ASKED_FOR)
        pairs, kinds = list(rest), []
        for name in self.some(names):
            kind, value = self.value()
            times = self.random.choice((1, 1, 1, 2))
            pairs += [(as_bytes(name), value[:20_000])] * times
            kinds.append(f"{kind} in {name!r}")
        text = encoded(pairs).decode()
        if self.random.random() < 0.1:
            text = self.random.choice(
                ("%", "%ZZ=%", "&&&", "=", "?", "a" * 9_000, text + "&" * 3_000, "%00", "%ED%A0%80=1")
            )
        return self.around(Bad("GET", f"{address}?{text}", f"asked with {' and '.join(kinds)}"))

    def path(self, address: str, parts: Sequence[str], method: str = "GET") -> Bad:
        """One of the parts of the address is something else."""
        part = self.random.choice(list(parts)) if parts else address.rstrip("/").rpartition("/")[2]
        kind, value = self.value()
        other = quote_from_bytes(value[:2_000], safe="")
        if self.random.random() < 0.3 and len(part) > 4:
            at = self.random.randrange(len(part))
            kind, other = (
                "a mistyped part",
                self.random.choice((part[:at], part.upper(), part + part, part[:at] + "%00" + part[at:], f" {part}")),
            )
        changed = address.replace(part, other, 1) if part else address + other
        return self.around(Bad(method, changed, f"{kind} in the address"))

    # --- Programs -----------------------------------------------------------------------------------

    def json(self, address: str, good: dict[str, Any], names: Sequence[str]) -> Bad:
        body = json.loads(json.dumps(good))
        names = sorted({*names, *good}) or ["a"]
        if self.random.random() < 0.3:
            return self.around(self.broken_json(address, body))
        for name in self.some(names):
            body[name] = self.json_value()
        if self.random.random() < 0.2:
            body |= {name: self.json_value() for name in self.some(NAMES_NOBODY_ASKED_FOR)}
        if self.random.random() < 0.2:
            body.pop(self.random.choice(sorted(body)))
        return self.around(Bad("POST", address, f"{str(body)[:200]}", json.dumps(body).encode(), "application/json"))

    def json_value(self) -> Any:
        if self.random.random() < 0.5:
            return self.random.choice(JSON_VALUES)
        value = self.value()[1].decode("utf-8", "surrogateescape")
        return self.random.choice((value, value, [value], {value: value}))

    def broken_json(self, address: str, good: dict[str, Any]) -> Bad:
        whole = json.dumps(good).encode()
        deep = self.random.choice((50, 900, 20_000, 200_000))
        first = json.dumps(next(iter(good), "a"))
        bodies: list[tuple[str, bytes, str]] = [
            ("JSON cut off", whole[: self.random.randrange(len(whole))], "application/json"),
            (f"{deep} lists within each other", b"[" * deep + b"]" * deep, "application/json"),
            (f"{deep} objects within each other", b'{"a":' * deep + b"1" + b"}" * deep, "application/json"),
            (f"a field {deep} deep", b"{%s: %s}" % (first.encode(), b"[" * deep + b"]" * deep), "application/json"),
            ("a key twice", whole[:-1] + b", %s: null, %s: []}" % (first.encode(), first.encode()), "application/json"),
            ("a number without an end", b"{%s: %s}" % (first.encode(), b"9" * 100_000), "application/json"),
            ("numbers that are none", b'{%s: NaN, "a": -Infinity}' % first.encode(), "application/json"),
            ("half of a character", b'{%s: "\\ud800\\u0000"}' % first.encode(), "application/json"),
            ("broken UTF-8", b'{%s: "\xff\xc0\x80"}' % first.encode(), "application/json"),
            ("a mark before", b"\xef\xbb\xbf" + whole, "application/json"),
            ("UTF-16", whole.decode().encode("utf-16"), "application/json"),
            ("UTF-16, said so", whole.decode().encode("utf-16"), "application/json; charset=utf-16"),
            (f"charset {(charset := self.random.choice(CHARSETS))}", whole, f"application/json; charset={charset}"),
            *(
                (f"{scalar!r} for an object", scalar, "application/json")
                for scalar in (b"null", b"[]", b"1", b'"a"', b"true", b"[{}]", b"", b" ", b"\x00", b"1e999")
            ),
            ("a form for JSON", b"a=1", FORM),
            ("multipart for JSON", multipart([(b"a", b"1")]), MULTIPART),
            ("no type", whole, ""),
            ("an odd type", whole, "application/\xff; q=\xff"),
            ("too much", b'{"a": "' + b"b" * 2_600_000 + b'"}', "application/json"),
        ]
        what, body, content_type = self.random.choice(bodies)
        return Bad("POST", address, what, body, content_type)

    # --- Files --------------------------------------------------------------------------------------

    def file(self, address: str, good: bytes, names: Sequence[str]) -> Bad:
        """A file of ratings, as one of its kinds, with something wrong."""
        kind = self.random.choice(("text", "text", "workbook", "archive", "other"))
        what, content = getattr(self, kind)(good)
        name = self.random.choice(
            (
                b"new.csv",
                b"new.csv",
                b"new.xlsx",
                *map(as_bytes, VALUES["payloads"]),
                *map(as_bytes, VALUES["marks"]),
                b"../../a",
                b"a" * 3000,
                b"\xff.csv",
                b"a\x00.csv",
                b".",
            )
        )
        name = name.replace(b'"', b"'").replace(b"\r", b"").replace(b"\n", b"")
        pairs = []
        if self.random.random() < 0.3:
            pairs = [
                (as_bytes(one), self.value()[1]) for one in self.some([n for n in names if n != "file"] or ["sheet"], 2)
            ]
        return self.around(
            Bad(
                "POST", address, f"{what}, named {name[:40]!r}", multipart(pairs, [(b"file", name, content)]), MULTIPART
            )
        )

    def text(self, good: bytes) -> tuple[str, bytes]:
        rows = [line.split(b",") for line in good.strip().split(b"\n")]
        kind, value = self.value()
        row, column = self.random.randrange(len(rows)), self.random.randrange(len(rows[0]))
        rows[row][column] = value
        spoilt = b"\n".join(b",".join(cells) for cells in rows) + b"\n"
        whats: list[tuple[str, bytes]] = [
            *[(f"{kind} in a cell", spoilt)] * 8,
            (f"{kind} in a quoted cell", spoilt.replace(value, b'"%s"' % value.replace(b'"', b'""'), 1)),
            ("cut off", good[: self.random.randrange(len(good))]),
            ("a quote without an end", good.replace(b",", b',"', 1)),
            ("rows of unequal length", good + b",,,,,,,,,,,,\n1\n,\n"),
            ("columns of one name", good.replace(b"nr", b"who")),
            ("columns without a name", b",,,,,,\n" + good),
            ("20,000 columns", b",".join(b"c%d" % n for n in range(20_000)) + b"\n1\n"),
            ("NUL", good.replace(b"5", b"\x00")),
            ("UTF-16 cut off", good.decode().encode("utf-16")[:-1]),
            ("UTF-32", good.decode().encode("utf-32")),
            ("a field of 200,000", good + b'"' + b"a" * 200_000 + b'",1,2024-01-01,5,5,5,5\n'),
            ("carriage returns alone", good.replace(b"\n", b"\r")),
            ("a row twice", good + good.strip().rpartition(b"\n")[2] + b"\n"),
            ("no rows", good.partition(b"\n")[0]),
        ]
        return self.random.choice(whats)

    def workbook(self, good: bytes) -> tuple[str, bytes]:
        book = openpyxl.Workbook()
        for line in good.decode().strip().splitlines():
            book.active.append(line.split(","))
        if self.random.random() < 0.4:
            odd = self.random.choice(
                (1e308, -1, True, "=1/0", "#REF!", "a" * 32_000, '=HYPERLINK("http://elsewhere.example")', "'", " ")
            )
            book.active.cell(self.random.randint(1, 2), self.random.randint(1, 7)).value = odd
        kept = io.BytesIO()
        book.save(kept)
        whole = bytearray(kept.getvalue())
        how = self.random.choice(
            ("as it is", "cut off", "with bytes turned", "without a part", "with another XML", "with an entity bomb")
        )
        if how == "cut off":
            return "a workbook cut off", bytes(whole[: self.random.randrange(len(whole))])
        if how == "with bytes turned":
            for _time in range(self.random.randint(1, 20)):
                whole[self.random.randrange(len(whole))] = self.random.randrange(256)
            return "a workbook with bytes turned", bytes(whole)
        return f"a workbook {how}", self.rebuilt(bytes(whole), how)

    def rebuilt(self, whole: bytes, how: str) -> bytes:
        if how == "as it is":
            return whole
        source, target = zipfile.ZipFile(io.BytesIO(whole)), io.BytesIO()
        chosen = self.random.choice(source.namelist())
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for name in source.namelist():
                content = source.read(name)
                if name == chosen and how == "without a part":
                    continue
                if name == chosen and how == "with another XML":
                    content = self.random.choice(
                        (
                            b"",
                            b"<a>",
                            b"<worksheet/>",
                            b"\xff\xfe",
                            content.replace(b"<", b"<x:"),
                            content.replace(b'"1"', b'"NaN"'),
                            content.replace(b'r="', b'r="ZZZZZZZ99999999'),
                            content.replace(b't="', b't="\xff'),
                            content[: len(content) // 2],
                            content.replace(b'r="A1"', b'r=""'),
                            content.replace(b"<v>", b"<v>99999999"),
                            content.replace(b"<v>", b"<v>1e999"),
                        )
                    )
                if name == chosen and how == "with an entity bomb":
                    bomb = b"<!DOCTYPE a [<!ENTITY b 'bbbbbbbbbb'><!ENTITY c '&b;&b;&b;&b;'>]>"
                    content = content.replace(b"?>", b"?>" + bomb, 1) if b"?>" in content else bomb + content
                out.writestr(name, content)
        return target.getvalue()

    def archive(self, good: bytes) -> tuple[str, bytes]:
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr(
                self.random.choice(("../../a.csv", "a.csv", "xl/workbook.xml", "[Content_Types].xml", "a\\b")),
                self.random.choice((good, b"0" * 3_000_000)),
            )
        whole = kept.getvalue()
        return self.random.choice(
            (
                ("an archive", whole),
                ("an archive cut off", whole[: self.random.randrange(4, len(whole))]),
                ("an empty archive", b"PK\x05\x06" + b"\0" * 18),
                ("the start of an archive", b"PK\x03\x04"),
                ("gzip cut off", b"\x1f\x8b\x08\x00\x00"),
                ("an archive with its directory turned", whole.replace(b"PK\x01\x02", b"PK\x01\x03")),
            )
        )

    def other(self, good: bytes) -> tuple[str, bytes]:
        return self.random.choice(
            (
                ("bytes", self.random.randbytes(self.random.choice((1, 50, 5_000)))),
                ("nothing", b""),
                ("spaces", b" \n" * 99),
                ("NULs", b"\0" * 2_000),
                ("a web page", b"<html><table><tr><td>1</table>"),
                ("JSON", b'[{"who": 1}]'),
                ("a PDF", b"%PDF-1.7 "),
                ("an old workbook", b"\xd0\xcf\x11\xe0" + b"\0" * 600),
                ("a mark alone", b"\xef\xbb\xbf"),
                ("UTF-16 without text", b"\xff\xfe"),
                ("one line", b"a" * 1_500_000),
                ("commas", b"," * 100_000),
                ("quotes", b'"' * 100_001),
                ("separators of all kinds", b"a;b,c\td|e\n" * 50),
                ("rows", b"a,b\n" + b"1,2\n" * 50_000),
            )
        )
