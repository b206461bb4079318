"""What lies beside the images on a patient's disc and is no image: indexes, viewers, leaflets. By name alone."""

_NAMES = "dicomdir lockfile readme license version checksums .ds_store thumbs.db desktop.ini"
_PROGRAMS = "exe dll com msi bat cmd ocx sys cab jar class so dylib app dmg pkg swf lnk js"
_WORDS = "inf ini cfg conf config properties log md5 sha1 txt rtf md xml xsl xsd json csv htm html css chm hlp cnt url"
_REST = "ico icns cur ttf db tmp bak manifest"
NAMES = frozenset(_NAMES.split())
ENDINGS = frozenset(f"{_PROGRAMS} {_WORDS} {_REST}".split())
FOLDERS = frozenset({"__macosx", "$recycle.bin", "system volume information"})


def lies_beside(path: str) -> bool:
    """Whether `path` (parts by / or \\) names something that comes with images; it is left out without a word."""
    *folders, name = path.replace("\\", "/").lower().split("/")
    if any(folder in FOLDERS for folder in folders) or name.startswith("._") or name in NAMES:
        return True
    stem, dot, ending = name.rpartition(".")
    return bool(dot) and ending in ENDINGS and (bool(stem) or ending == "db")


def as_text() -> str:
    """The three lists for the page that reads a folder (static/js/upload/folder.js): names | endings | folders."""
    return "|".join("/".join(sorted(words)) for words in (NAMES, ENDINGS, FOLDERS))
