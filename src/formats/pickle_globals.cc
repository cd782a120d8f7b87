#include "pickle_globals.h"

#include <algorithm>
#include <array>

namespace sidenet::pickle {
namespace {

struct Name {
  std::string_view module, name;
};

template <std::size_t N>
bool listed(const std::array<Name, N>& names, const Global& global) {
  return std::any_of(names.begin(), names.end(),
                     [&](const Name& n) { return global.is(n.module, n.name); });
}

template <std::size_t N>
bool in_package(const std::array<std::string_view, N>& packages, std::string_view module) {
  return std::any_of(packages.begin(), packages.end(), [&](std::string_view package) {
    return module.starts_with(package) &&
           (module.size() == package.size() || module[package.size()] == '.');
  });
}

constexpr std::array kFunctions{
    Name{"torch._tensor", "_rebuild_from_type_v2"},
    Name{"torch._tensor", "_rebuild_from_type"},
    Name{"torch", "Size"},
    Name{"torch", "device"},
    Name{"torch", "Tensor"},
    Name{"torch.serialization", "_get_layout"},
    Name{"torch.storage", "_load_from_bytes"},
    Name{"torch.torch_version", "TorchVersion"},
    Name{"torch.nn.parameter", "Parameter"},
    Name{"torch.autograd.variable", "Variable"},
    Name{"numpy", "dtype"},
    Name{"numpy", "ndarray"},
    Name{"collections", "deque"},
    Name{"types", "SimpleNamespace"},
    Name{"decimal", "Decimal"},
    Name{"fractions", "Fraction"},
    Name{"uuid", "UUID"},
    Name{"functools", "partial"},
    Name{"_codecs", "encode"},
    Name{"copyreg", "_reconstructor"},
    Name{"copy_reg", "_reconstructor"},
    Name{"copyreg", "__newobj__"},
    Name{"copy_reg", "__newobj__"},
};

constexpr std::array kNumpyFunctions{
    std::string_view("scalar"),           std::string_view("_reconstruct"),
    std::string_view("_frombuffer"),      std::string_view("__randomstate_ctor"),
    std::string_view("__generator_ctor"), std::string_view("__bit_generator_ctor")};

constexpr std::array kBuiltinTypes{
    std::string_view("bool"),      std::string_view("bytearray"), std::string_view("bytes"),
    std::string_view("complex"),   std::string_view("dict"),      std::string_view("float"),
    std::string_view("frozenset"), std::string_view("int"),       std::string_view("list"),
    std::string_view("long"),      std::string_view("object"),    std::string_view("range"),
    std::string_view("set"),       std::string_view("slice"),     std::string_view("str"),
    std::string_view("tuple"),     std::string_view("xrange"),    std::string_view("unicode")};

// Packages of values and settings; their classes are often pickled as calls (enums, paths, dates).
constexpr std::array kSettingsPackages{std::string_view("argparse"),
                                       std::string_view("pathlib"),
                                       std::string_view("datetime"),
                                       std::string_view("omegaconf"),
                                       std::string_view("yacs"),
                                       std::string_view("easydict"),
                                       std::string_view("addict"),
                                       std::string_view("ml_collections"),
                                       std::string_view("pytorch_lightning"),
                                       std::string_view("lightning"),
                                       std::string_view("lightning_fabric"),
                                       std::string_view("transformers"),
                                       std::string_view("torch.optim"),
                                       std::string_view("torchvision.transforms")};

// Modules of the standard library that reach the system or run code.
constexpr std::array kSystemModules{
    std::string_view("os"),          std::string_view("posix"),
    std::string_view("nt"),          std::string_view("sys"),
    std::string_view("subprocess"),  std::string_view("_posixsubprocess"),
    std::string_view("commands"),    std::string_view("shutil"),
    std::string_view("socket"),      std::string_view("_socket"),
    std::string_view("ssl"),         std::string_view("http"),
    std::string_view("urllib"),      std::string_view("ftplib"),
    std::string_view("smtplib"),     std::string_view("requests"),
    std::string_view("webbrowser"),  std::string_view("pty"),
    std::string_view("ctypes"),      std::string_view("_ctypes"),
    std::string_view("importlib"),   std::string_view("imp"),
    std::string_view("runpy"),       std::string_view("pkgutil"),
    std::string_view("code"),        std::string_view("codeop"),
    std::string_view("pdb"),         std::string_view("bdb"),
    std::string_view("cProfile"),    std::string_view("profile"),
    std::string_view("timeit"),      std::string_view("trace"),
    std::string_view("threading"),   std::string_view("multiprocessing"),
    std::string_view("asyncio"),     std::string_view("signal"),
    std::string_view("pickle"),      std::string_view("_pickle"),
    std::string_view("shelve"),      std::string_view("marshal"),
    std::string_view("tempfile"),    std::string_view("io"),
    std::string_view("_io"),         std::string_view("builtins"),
    std::string_view("__builtin__"), std::string_view("operator"),
    std::string_view("_operator"),   std::string_view("types"),
    std::string_view("inspect"),     std::string_view("pip"),
    std::string_view("setuptools"),  std::string_view("pydoc"),
    std::string_view("doctest"),     std::string_view("venv"),
    std::string_view("ensurepip"),   std::string_view("platform"),
    std::string_view("idlelib")};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_builtin(std::string_view module) { return module == "builtins" || module == "__builtin__"; }

bool is_known(const Global& callee) {
  if (is_builtin(callee.module)) return among(kBuiltinTypes, callee.name);
  if (callee.module == "torch._utils") return callee.name.starts_with("_rebuild_");
  if (callee.module == "numpy" || callee.module.starts_with("numpy.")) {
    if (among(kNumpyFunctions, callee.name)) return true;
  }
  return makes_dict(callee) || listed(kFunctions, callee) ||
         in_package(kSettingsPackages, callee.module);
}

}  // namespace

bool may_stand_inert(const Global& callee, Call call) {
  if (is_known(callee)) return true;
  return call == Call::construct && !in_package(kSystemModules, callee.module);
}

bool makes_dict(const Global& callee) {
  constexpr std::array kDicts{Name{"collections", "OrderedDict"},
                              Name{"collections", "defaultdict"}, Name{"collections", "Counter"},
                              Name{"builtins", "dict"}, Name{"__builtin__", "dict"}};
  return listed(kDicts, callee);
}

bool makes_set(const Global& callee) {
  return is_builtin(callee.module) && (callee.name == "set" || callee.name == "frozenset");
}

}  // namespace sidenet::pickle
