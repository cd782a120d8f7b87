"""What the build files say of the floors: who may include whom, and which library holds what."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTSIDE = {
    "cli11": "CLI11", "eigen": "Eigen", "hwy": "Highway", "json": "nlohmann-json",
    "libjpeg": "libjpeg-turbo", "libpng": "libpng", "libwebp": "libwebp",
    "onednn": "oneDNN", "openmp": "OpenMP", "stb": "stb_image", "threads": "threads",
    "utf8proc": "utf8proc", "zlib": "zlib",
}
PUBLIC, COMMAND, BINARY = "include/sidenet", "cli", "tools"


def folders():
    found = [path.parent for path in ROOT.glob("src/*/meson.build")]
    found += [path.parent for path in ROOT.glob("kernels/*/meson.build")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def build_file(folder):
    text = (ROOT / folder / "meson.build").read_text(encoding="utf-8")
    return re.sub(r"#.*", "", text)


def packages():
    """The build files that put the installed libraries together."""
    return [build_file(path.parent.relative_to(ROOT)) for name in ["src", "package"]
            for path in ROOT.glob(name + "/meson.build")]


def calls(text, function):
    """The arguments of each call of a function, as they are written."""
    for match in re.finditer(rf"\b{function}\(", text):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield text[match.end():end - 1]


def keyword(arguments, name):
    """What stands behind `name:`, a list or one value."""
    match = re.search(rf"\b{name}:\s*(\[[^\]]*\]|[^,\n]+)", arguments)
    return match[1] if match else ""


def dependency_names(text, expression):
    """Names of dependencies, those of the file's own lists among them."""
    names = re.findall(r"\b(\w+)_dep\b", expression)
    for variable in re.findall(r"\b\w+\b", expression):
        for value in re.findall(rf"^\s*{variable} \+?= (.*)$", text, re.MULTILINE):
            names += re.findall(r"\b(\w+)_dep\b(?!\.found)", value)
    return names


def owners():
    """Which folder declares a dependency of that name."""
    found = {"public": PUBLIC}
    for folder in folders():
        for name in re.findall(r"^(\w+)_dep = declare_dependency", build_file(folder), re.MULTILINE):
            found[name] = folder
    parents = build_file("kernels")
    for name, arguments in re.findall(r"^(\w+)_dep = declare_dependency\((.*)\)", parents, re.MULTILINE):
        found[name] = "kernels/" + re.search(r"include_directories\('(\w+)'\)", arguments)[1]
    for text in packages():
        for name in re.findall(r"^(\w+)_dep = declare_dependency", text, re.MULTILINE):
            found[name] = PUBLIC
    return found


def floors():
    """For each folder, the folders and outside libraries that its meson.build lists."""
    owner, found = owners(), {"kernels/interface": ([], [])}
    for folder in folders() + [COMMAND]:
        text = build_file(BINARY if folder == COMMAND else folder)
        names = []
        for function in ["static_library", "executable"]:
            for arguments in calls(text, function):
                names += dependency_names(text, keyword(arguments, "dependencies"))
        inside = {owner[name] for name in names if name in owner} - {folder}
        outside = {OUTSIDE[name] for name in names if name not in owner}
        found[folder] = (sorted(inside), sorted(outside, key=str.lower))
    return found


def libraries():
    """For each installed library, the folders under src/ that it holds."""
    found = {"libsidenet": [], "libsidenet-study": []}
    for text in packages():
        for name, parts in re.findall(r"(\w+)(?: =|:) (\[[^\]]*_lib\b[^\]]*\])", text):
            held = found["libsidenet-study" if "study" in name else "libsidenet"]
            for part in re.findall(r"\b(\w+)_lib\b", parts):
                held += [folder for folder in folders() if folder.startswith("src/")
                         and re.search(rf"^{part}_lib = ", build_file(folder), re.MULTILINE)]
    return {library: held for library, held in found.items() if held}


def short(folder):
    return "include" if folder == PUBLIC else folder.removeprefix("src/")
