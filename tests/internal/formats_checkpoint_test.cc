// Checkpoints that PyTorch wrote (golden/make_checkpoint_fixtures.py) and real ones, against what
// PyTorch reads in them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "format_fixtures.h"
#include "mapped_file.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"
#include "state_dict.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

std::string format_of(const std::string& file) {
  if (file.ends_with(".safetensors")) return "safetensors";
  return file.ends_with(".th") ? "pytorch-legacy" : "pytorch-zip";
}

double sum(const Tensor& tensor) {
  const Tensor values = tensor.to_f32();
  double total = 0;
  for (std::int64_t i = 0; i < values.size(); ++i) total += values.data<float>()[i];
  return total;
}

}  // namespace

TEST_CASE("every fixture holds the tensors that PyTorch wrote, and no others") {
  int checked = 0;
  for (const auto& [file, tensors] : expected_fixtures()) {
    if (file.ends_with(".npy")) continue;
    CAPTURE(file);
    const Checkpoint checkpoint = read_checkpoint(fixture(file));
    CHECK(checkpoint.format == format_of(file));
    CHECK(checkpoint.tensors.size() == tensors.size());
    for (const auto& [name, expected] : tensors) {
      CAPTURE(name);
      REQUIRE(checkpoint.tensors.count(name) == 1);
      check_tensor(checkpoint.tensors.at(name), expected);
    }
    ++checked;
  }
  CHECK(checked == 25);
}

TEST_CASE("numbers and strings beside the weights become metadata") {
  for (const char* file : {"zip_training_run.pth", "legacy_training_run.th"}) {
    CAPTURE(file);
    const auto metadata = read_checkpoint(fixture(file)).metadata;
    CHECK(metadata.at("epoch") == "90");
    CHECK(metadata.at("arch") == "resnet20");
    CHECK(metadata.at("negative") == "-5");
    CHECK(metadata.count("args") == 0);
  }
  const auto metadata = read_checkpoint(fixture("python.safetensors")).metadata;
  CHECK(metadata.at("format") == "pt");
  CHECK(metadata.at("note") == "caf\xc3\xa9 \"x\"");
}

TEST_CASE("names of the network and of classes beside the weights are kept") {
  const Checkpoint named = read_checkpoint(fixture("zip_named.pth"));
  CHECK(named.metadata == std::map<std::string, std::string>{{"args.model", "resnet50d"},
                                                             {"config.model.name", "mine"}});
  CHECK(named.labels == std::vector<std::string>{"cat", "dog", "emu"});
  CHECK(read_checkpoint(fixture("zip_training_run.pth")).labels.empty());
}

TEST_CASE("averages beside the weights, and names of classes that cannot be read, are told of") {
  const Checkpoint checkpoint = read_checkpoint(fixture("zip_averages.pth"));
  std::map<std::string, std::string> metadata = checkpoint.metadata;
  CHECK(metadata.size() == 4);
  for (const char* key : {"callbacks.EMACallback", "torch_ema"})
    CHECK(metadata[key].starts_with("passed over: it holds averaged weights"));
  CHECK(metadata["class_to_idx"] == "left aside: expected each number from 0 on once");
  CHECK(metadata["classes"] == "left aside: expected names, got an int");
  CHECK(checkpoint.labels.empty());
}

TEST_CASE("what is no state dict is refused with advice") {
  const std::map<std::string, std::string> advice{
      {"zip_module.pth", "save model.state_dict() instead"},
      {"legacy_module.th", "save model.state_dict() instead"},
      {"zip_torchscript.pth", "TorchScript"},
      {"zip_no_tensors.pth", "expected a dict of tensors"},
      {"zip_sparse.pth",
       "tensor \"weight\": a tensor made by \"torch._utils._rebuild_sparse_tensor\" is not read"},
      {"zip_uint16.pth", "tensor \"weight\": element type \"torch.uint16\" is not read"},
      {"zip_big_endian.pth", "expected byteorder \"little\", got \"big\""},
      {"zip_lzma.pth", "got compression method 14"},
      {"array_f4.npy", "a single NumPy array"},
      {"plain_protocol0.pkl", "begins with"}};
  for (const auto& [file, words] : advice) {
    CAPTURE(file);
    try {
      read_checkpoint(fixture(file));
      FAIL_CHECK("expected an error");
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK(message.starts_with(fixture(file) + ": "));
      CHECK_MESSAGE(message.find(words) != std::string::npos, message);
      CHECK(message.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("stored weights are views of the mapped file, which they keep alive") {
  // One tensor of each whose place is aligned.
  for (const auto& [file, name] : std::map<std::string, std::string>{
           {"zip_state_dict.pth", "0.weight"}, {"python.safetensors", "u8"}}) {
    CAPTURE(file);
    auto mapped = MappedFile::open(fixture(file));
    const std::byte* begin = mapped->bytes().data();
    const std::byte* end = begin + mapped->bytes().size();
    const std::weak_ptr<const MappedFile> watch = mapped;
    {
      const Tensor weight = [&, &file = file, &name = name] {
        Checkpoint checkpoint = read_checkpoint(mapped->bytes(), mapped, file);
        mapped.reset();
        return checkpoint.tensors.at(name);
      }();
      CHECK(weight.raw() >= begin);
      CHECK(weight.raw() + weight.bytes() <= end);
      CHECK(!watch.expired());
      CHECK(sum(weight) == sum(weight.clone()));
    }
    CHECK(watch.expired());
  }
}

TEST_CASE("tensors that share a storage share its bytes") {
  const Checkpoint checkpoint = read_checkpoint(fixture("zip_strided.pth"));
  CHECK(checkpoint.tensors.at("base").raw() == checkpoint.tensors.at("shared").raw());
  CHECK(checkpoint.tensors.at("row").raw() ==
        checkpoint.tensors.at("base").raw() + 12 * sizeof(float));
}

TEST_CASE("every tensor is aligned to its element type") {
  for (const char* file : {"zip_dtypes.pth", "legacy_dtypes.th", "python.safetensors"}) {
    CAPTURE(file);
    for (const auto& [name, tensor] : read_checkpoint(fixture(file)).tensors) {
      CAPTURE(name);
      CHECK(reinterpret_cast<std::uintptr_t>(tensor.raw()) % dtype_size(tensor.dtype()) == 0);
    }
  }
}

TEST_CASE("prefixes that every name carries go, in any order, and no others") {
  const auto stripped = [](const std::vector<std::string>& names) {
    std::map<std::string, Tensor> tensors;
    for (const std::string& name : names) tensors.emplace(name, Tensor());
    strip_common_prefixes(tensors);
    std::vector<std::string> left;
    for (const auto& [name, tensor] : tensors) left.push_back(name);
    return left;
  };
  using Names = std::vector<std::string>;
  CHECK(stripped({}) == Names{});
  CHECK(stripped({"module.a", "module.b"}) == Names{"a", "b"});
  CHECK(stripped({"module._orig_mod.module.a", "module._orig_mod.module.module.b"}) ==
        Names{"a", "module.b"});
  CHECK(stripped({"_orig_mod.module.a", "_orig_mod._orig_mod.b"}) ==
        Names{"_orig_mod.b", "module.a"});
  CHECK(stripped({"module.a", "modules.b"}) == Names{"module.a", "modules.b"});
  CHECK(stripped({"module.module."}) == Names{"module."});  // a name stays
  CHECK(stripped({"module.", "module.a"}) == Names{"module.", "module.a"});
}

// Values by torch.load(file, weights_only=False).
TEST_CASE("real CIFAR-10 checkpoints") {
  const char* shared = std::getenv("SIDENET_SHARED");
  if (shared == nullptr || *shared == '\0') {
    MESSAGE("skipped: SIDENET_SHARED is not set");
    return;
  }
  const std::string folder = std::string(shared) + "/checkpoints/";
  const Checkpoint legacy = read_checkpoint(folder + "cifar10-resnet/resnet20-12fca82f.th");
  CHECK(legacy.format == "pytorch-legacy");
  CHECK(legacy.tensors.size() == 97);
  CHECK(legacy.metadata.at("best_prec1") == "91.78000183105469");
  const Tensor& head = legacy.tensors.at("linear.weight");
  CHECK(head.shape() == Shape{10, 64});
  CHECK(head.to_f32().data<float>()[0] == doctest::Approx(-1.05981255).epsilon(1e-7));
  CHECK(head.to_f32().data<float>()[639] == doctest::Approx(0.226676971).epsilon(1e-7));
  CHECK(sum(legacy.tensors.at("conv1.weight")) == doctest::Approx(1.3100982).epsilon(1e-6));
  CHECK(sum(legacy.tensors.at("layer3.2.bn2.running_var")) ==
        doctest::Approx(10.6656907).epsilon(1e-6));

  const Checkpoint zip = read_checkpoint(folder + "cifar10-resnet20-projection/resnet20.pth");
  CHECK(zip.format == "pytorch-zip");
  CHECK(zip.tensors.size() == 128);
  CHECK(zip.tensors.at("fc.weight").to_f32().data<float>()[0] ==
        doctest::Approx(-0.101888873).epsilon(1e-7));
  CHECK(sum(zip.tensors.at("conv_1.weight")) == doctest::Approx(-2.0888934).epsilon(1e-6));
  CHECK(sum(zip.tensors.at("stage_3.2.bn_2.running_var")) ==
        doctest::Approx(10.4315612).epsilon(1e-6));
}
