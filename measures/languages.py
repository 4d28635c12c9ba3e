"""Languages that a wording can be in: BCP-47 code, name in English, name in itself."""

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": ("English", "English"),
        "ar": ("Arabic", "العربية"),
        "bg": ("Bulgarian", "български"),
        "bn": ("Bengali", "বাংলা"),
        "bs": ("Bosnian", "bosanski"),
        "ca": ("Catalan", "català"),
        "cs": ("Czech", "čeština"),
        "cy": ("Welsh", "Cymraeg"),
        "da": ("Danish", "dansk"),
        "de": ("German", "Deutsch"),
        "el": ("Greek", "ελληνικά"),
        "es": ("Spanish", "español"),
        "et": ("Estonian", "eesti"),
        "eu": ("Basque", "euskara"),
        "fa": ("Persian", "فارسی"),
        "fi": ("Finnish", "suomi"),
        "fr": ("French", "français"),
        "ga": ("Irish", "Gaeilge"),
        "he": ("Hebrew", "עברית"),
        "hi": ("Hindi", "हिन्दी"),
        "hr": ("Croatian", "hrvatski"),
        "hu": ("Hungarian", "magyar"),
        "id": ("Indonesian", "Indonesia"),
        "is": ("Icelandic", "íslenska"),
        "it": ("Italian", "italiano"),
        "ja": ("Japanese", "日本語"),
        "ko": ("Korean", "한국어"),
        "ku": ("Kurdish", "kurdî"),
        "lt": ("Lithuanian", "lietuvių"),
        "lv": ("Latvian", "latviešu"),
        "nb": ("Norwegian Bokmål", "norsk bokmål"),
        "nl": ("Dutch", "Nederlands"),
        "nn": ("Norwegian Nynorsk", "norsk nynorsk"),
        "pa": ("Punjabi", "ਪੰਜਾਬੀ"),
        "pl": ("Polish", "polski"),
        "ps": ("Pashto", "پښتو"),
        "pt": ("Portuguese", "português"),
        "pt-BR": ("Portuguese, Brazil", "português do Brasil"),
        "ro": ("Romanian", "română"),
        "ru": ("Russian", "русский"),
        "sk": ("Slovak", "slovenčina"),
        "sl": ("Slovenian", "slovenščina"),
        "so": ("Somali", "Soomaali"),
        "sq": ("Albanian", "shqip"),
        "sr": ("Serbian", "српски"),
        "sv": ("Swedish", "svenska"),
        "ta": ("Tamil", "தமிழ்"),
        "th": ("Thai", "ไทย"),
        "ti": ("Tigrinya", "ትግርኛ"),
        "tr": ("Turkish", "Türkçe"),
        "uk": ("Ukrainian", "українська"),
        "ur": ("Urdu", "اردو"),
        "vi": ("Vietnamese", "Tiếng Việt"),
        "zh-Hans": ("Chinese, simplified", "简体中文"),
        "zh-Hant": ("Chinese, traditional", "繁體中文"),
    }
)


def name_of(code: str) -> str:
    """The language's name in English; the code itself where it is not in the list."""
    return LANGUAGES[code][0] if code in LANGUAGES else code


def choices() -> list[tuple[str, str]]:
    """Code and both names, in the order of the English names, English first."""
    named = [(code, english if english == own else f"{english} ({own})") for code, (english, own) in LANGUAGES.items()]
    return sorted(named, key=lambda pair: (pair[0] != "en", pair[1]))
