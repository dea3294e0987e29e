"""The voices of the spoken answer, and the languages: for discovery, never a gate.

An unknown name is sent as it is. The service answers an invalid voice with nothing at all, and the error for
that names the voice and those that it may have meant.

Source: copies of Alibaba Model Studio's lists for Qwen3.5-Omni, read 2026-11; DMXAPI's own pages say 55 voices and
show Tina and Serena. Any voice speaks every language of the model; `language` is the one it was made for, empty where
no source names one.
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

__all__ = ["LANGUAGES", "VOICES", "Language", "Languages", "Voice", "languages", "names", "of", "search", "similar"]


def __dir__() -> list[str]:
    return __all__


class Language(NamedTuple):
    """A language or dialect: its English and its Chinese name, and what else it is called."""

    name: str
    chinese_name: str
    aliases: tuple[str, ...] = ()


class Languages(NamedTuple):
    """What a model speaks, and how much it understands: for that, the sources give numbers alone."""

    spoken: tuple[Language, ...]
    """Languages that it speaks."""
    spoken_dialects: tuple[Language, ...]
    """Chinese dialects that it speaks, Cantonese and Minnan among them."""
    understood: int | None = None
    """How many languages it understands; None where no source says."""
    understood_dialects: int | None = None
    """How many Chinese dialects it understands; None where no source says."""


LANGUAGES = Languages(
    spoken=(
        Language("Chinese", "中文", ("Mandarin", "普通话", "汉语", "国语", "华语")),
        Language("English", "英语"),
        Language("German", "德语"),
        Language("Italian", "意大利语"),
        Language("Portuguese", "葡萄牙语"),
        Language("Spanish", "西班牙语"),
        Language("Japanese", "日语", ("日本语",)),
        Language("Korean", "韩语", ("韩国语", "朝鲜语")),
        Language("French", "法语"),
        Language("Russian", "俄语"),
        Language("Thai", "泰语"),
        Language("Indonesian", "印尼语", ("印度尼西亚语",)),
        Language("Arabic", "阿拉伯语"),
        Language("Vietnamese", "越南语"),
        Language("Turkish", "土耳其语"),
        Language("Finnish", "芬兰语"),
        Language("Polish", "波兰语"),
        Language("Hindi", "印地语"),
        Language("Dutch", "荷兰语"),
        Language("Czech", "捷克语"),
        Language("Urdu", "乌尔都语"),
        Language("Tagalog", "他加禄语", ("Filipino", "菲律宾语")),
        Language("Swedish", "瑞典语"),
        Language("Danish", "丹麦语"),
        Language("Hebrew", "希伯来语"),
        Language("Icelandic", "冰岛语"),
        Language("Malay", "马来语"),
        Language("Norwegian", "挪威语"),
        Language("Persian", "波斯语", ("Farsi",)),
    ),
    spoken_dialects=(
        Language("Sichuan dialect", "四川话", ("Sichuanese", "四川方言")),
        Language("Beijing dialect", "北京话", ("北京方言",)),
        Language("Tianjin dialect", "天津话", ("天津方言",)),
        Language("Nanjing dialect", "南京话", ("南京方言",)),
        Language("Shaanxi dialect", "陕西话", ("陕西方言",)),
        Language("Cantonese", "粤语", ("广东话", "Yue")),
        Language("Minnan", "闽南语", ("闽南话", "Hokkien")),
    ),
    understood=74,
    understood_dialects=39,
)
"""What the model of this package speaks and understands."""


class Voice(NamedTuple):
    """One voice: its name on the wire, the language or dialect it was made for, its character, its Chinese name."""

    name: str
    language: str = ""
    character: str = ""
    chinese_name: str = ""

    @property
    def chinese_language(self) -> str:
        """The language in Chinese, `"粤语"` for Cantonese; that of a variety is its language's."""
        language = _named(self.language)
        return language.chinese_name if language else ""


VOICES: tuple[Voice, ...] = (
    Voice("Tina", "Chinese", "the default; tested by DMXAPI", "甜甜"),
    Voice("Cindy", "Chinese", "Taiwanese accent", "林欣宜"),
    Voice("Liora Mira", "Chinese", "", "清欢"),
    Voice("Sunnybobi", "Chinese", "", "知芝"),
    Voice("Raymond", "Chinese", "", "林川野"),
    Voice("Ethan", "Chinese", "", "晨煦"),
    Voice("Theo Calm", "Chinese", "", "予安"),
    Voice("Serena", "Chinese", "tested by DMXAPI", "苏瑶"),
    Voice("Harvey", "Chinese", "", "厚"),
    Voice("Maia", "Chinese", "", "四月"),
    Voice("Evan", "Chinese", "", "江晨"),
    Voice("Qiao", "Chinese", "Taiwanese accent", "小乔妹"),
    Voice("Momo", "Chinese", "", "茉兔"),
    Voice("Wil", "Chinese", "accent of Hong Kong and Taiwan", "伟伦"),
    Voice("Angel", "Chinese", "Taiwanese accent", "台普·安琪"),
    Voice("Li Cassian", "Chinese", "", "东厂·李公公"),
    Voice("Mia", "Chinese", "", "舒然"),
    Voice("Joyner", "Chinese", "", "喜剧担当·阿逗"),
    Voice("Gold", "Chinese", "", "金爷"),
    Voice("Katerina", "Chinese", "", "卡捷琳娜"),
    Voice("Ryan", "Chinese", "", "甜茶"),
    Voice("Jennifer", "American English", "", "詹妮弗"),
    Voice("Aiden", "American English", "", "艾登"),
    Voice("Mione", "British English", "", "敏儿"),
    Voice("Sunny", "Sichuan dialect", "", "四川·晴儿"),
    Voice("Dylan", "Beijing dialect", "", "北京·晓东"),
    Voice("Eric", "Sichuan dialect", "", "四川·程川"),
    Voice("Peter", "Tianjin dialect", "", "天津·李彼得"),
    Voice("Joseph Chen", "Minnan", "", "阿樸伯"),
    Voice("Marcus", "Shaanxi dialect", "", "陕西·秦川"),
    Voice("Li", "Nanjing dialect", "", "南京·老李"),
    Voice("Kiki", "Cantonese", "", "粤语·阿清"),
    Voice("Rocky", "Cantonese", "", "粤语·阿强"),
    Voice("Sohee", "Korean", "", "素熙"),
    Voice("Lenn", "German", "", "莱恩"),
    Voice("Ono Anna", "Japanese", "", "小野杏"),
    Voice("Sonrisa", "Latin American Spanish", "", "索尼莎"),
    Voice("Bodega", "Spanish", "", "博德加"),
    Voice("Emilien", "French", "", "埃米尔安"),
    Voice("Andre", "", "", "安德雷"),
    Voice("Radio Gol", "Portuguese", "", "拉迪奥·戈尔"),
    Voice("Alek", "Russian", "", "阿列克"),
    Voice("Rizky", "Indonesian", "", "阿力"),
    Voice("Roya", "", "", "萝雅"),
    Voice("Arda", "Turkish", "", "阿尔达"),
    Voice("Hana", "Vietnamese", "", "阿幸"),
    Voice("Dolce", "Italian", "", "多尔切"),
    Voice("Jakub", "Polish", "", "雅克"),
    Voice("Griet", "Dutch", "", "海娜"),
    Voice("Eliška", "Czech", "", "艾莉卡"),
    Voice("Marina", "", "", "玛丽娜"),
    Voice("Siiri", "Finnish", "", "西芮"),
    Voice("Ingrid", "Norwegian", "", "林恩"),
    Voice("Sigga", "Icelandic", "", "海娜"),
    Voice("Bea", "Filipino", "", "雅娜"),
    Voice("Chloe", "Malay", "", "思怡"),
)
"""The catalogue, in the order of the source."""

# By model. The successor upstream answers in text alone; of the older model's voices, DMXAPI's pages name two.
_VOICES = {
    "qwen3.5-omni-plus-all": VOICES,
    "qwen3-omni-flash-all": (Voice("Cherry", "Chinese", "", "芊悦"), Voice("Chelsie", "Chinese", "", "千雪")),
    "qwen3.8-omni-flash": (),
}
_LANGUAGES = {"qwen3.5-omni-plus-all": LANGUAGES, "qwen3.8-omni-flash": Languages((), ())}


def of(model: str) -> tuple[Voice, ...]:
    """Return the voices that are known of a model; none for a model that nothing is known of."""
    return _VOICES.get(model, ())


def languages(model: str) -> Languages | None:
    """Return the languages of a model, or None for one that nothing is known of."""
    return _LANGUAGES.get(model)


def names() -> tuple[str, ...]:
    """Return the names of all voices."""
    return tuple(voice.name for voice in VOICES)


def search(language: str) -> tuple[Voice, ...]:
    """Return the voices made for a language or dialect, in English or Chinese: `"cantonese"`, `"四川话"`, `"日语"`."""
    wanted = _stem(language.casefold())
    return tuple(voice for voice in VOICES if any(wanted in term.casefold() for term in _terms(voice)))


def _terms(voice: Voice) -> tuple[str, ...]:
    """Return everything that a voice's language is called."""
    language = _named(voice.language)
    return (voice.language, *_terms_of(language)) if language else (voice.language,)


def _terms_of(language: Language) -> tuple[str, ...]:
    return language.name, language.chinese_name, *language.aliases


def _named(language: str) -> Language | None:
    """Return the language of an English name, which may be that of a variety, such as `"British English"`."""
    each = (*LANGUAGES.spoken, *LANGUAGES.spoken_dialects)
    return next((one for one in each if any(term in language for term in _terms_of(one))), None)


def _stem(language: str) -> str:
    """Return a Chinese name without its last sign, for which there are several: `日语` and `日文`."""
    return language[:-1] if len(language) > 1 and language[-1] in "语文话" else language


def similar(name: str) -> tuple[str, ...]:
    """Return up to three catalogue names that `name` may have meant, the likeliest first; it may be a Chinese one."""
    folded = name.casefold()
    exact = tuple(voice.name for voice in VOICES if folded in (voice.name.casefold(), voice.chinese_name))
    if exact:
        return exact
    by_folded = {voice.name.casefold(): voice.name for voice in VOICES}
    return tuple(by_folded[match] for match in difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.6))
