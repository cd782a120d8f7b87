// Which tensors of a checkpoint are the network, and what happens to the others.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "golden_nets.h"
#include "image_files.h"
#include "network_names.h"
#include "random_bert.h"
#include "random_model.h"
#include "safetensors.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

using Metadata = std::map<std::string, std::string>;

Model import_weights(const Weights& weights, const ImportOptions& options = {},
                     const Metadata& metadata = {}) {
  const golden::TemporaryFile file("network.safetensors");
  write_safetensors(file.path(), weights, metadata);
  return Model::import_checkpoint(file.path(), options);
}

std::string refusal(const Weights& weights, const ImportOptions& options = {},
                    const Metadata& metadata = {}) {
  const std::string error = files::error_of([&] { import_weights(weights, options, metadata); });
  return error.substr(std::min(error.find(": "), error.size()));
}

Weights small_resnet(unsigned seed = 3) { return random_cifar_resnet(seed, 1, 4, 3, 5, true); }

void add(Weights& weights, const std::string& prefix, const Weights& more) {
  for (const auto& [name, tensor] : more) weights[prefix + name] = tensor;
}

Tensor ones(const Shape& shape) {
  return Tensor::from(shape, std::vector<float>(static_cast<std::size_t>(element_count(shape)), 1));
}

bool same_weights(const Model& model, const Weights& expected) {
  return std::all_of(model.tensors().begin(), model.tensors().end(), [&](const auto& tensor) {
    const auto found = expected.find(tensor.first);
    return found != expected.end() && golden::same_bits(found->second, tensor.second);
  });
}

}  // namespace

TEST_CASE("several networks are listed, and one is chosen by its prefix or by leaving others out") {
  const Weights student = small_resnet(3), teacher = small_resnet(4);
  Weights both;
  add(both, "student.", student);
  add(both, "big_teacher.", teacher);
  CHECK(refusal(both) ==
        ": holds several networks: 'student.', 'big_teacher.': expected one; choose it with "
        "--prefix, or leave the others out with --drop");
  for (const char* prefix : {"student", "student."}) {
    const Model model = import_weights(both, {.prefix = prefix});
    CHECK(same_weights(model, student));
    CHECK(model.notes() ==
          std::vector<std::string>{"left out, not under '" + std::string(prefix) +
                                   "': " + std::to_string(teacher.size()) + " tensors"});
  }
  CHECK(same_weights(import_weights(both, {.prefix = "big_teacher."}), teacher));
  CHECK(same_weights(import_weights(both, {.drop = {"big_teacher"}}), student));
  CHECK(refusal(both, {.prefix = "stud"}).find("prefix: expected the beginning") !=
        std::string::npos);
  CHECK(refusal(both, {.drop = {"big"}}).find("drop: expected a module") != std::string::npos);

  Weights beside = student;
  add(beside, "ema.module.", teacher);
  CHECK(refusal(beside).find("one without a prefix, 'ema.'") != std::string::npos);
  for (const char* module : {"ema", "ema.module", "ema.module."})
    CHECK(same_weights(import_weights(beside, {.drop = {module}}), student));
  CHECK(same_weights(import_weights(beside, {.prefix = "ema.module."}), teacher));
}

TEST_CASE("what carries weights and is no part of the network is refused by name") {
  const std::pair<const char*, Shape> foreign[] = {
      {"fc2.weight", {3, 5}},          {"ca.fc1.weight", {2, 4, 1, 1}},
      {"bottleneck.weight", {16}},     {"pool.p", {1}},
      {"neck.0.weight", {4, 4}},       {"norm.weight", {16}},
      {"fc_bn.weight", {5}},           {"fc_1.weight", {3, 5}},
      {"projection.weight", {16, 16}}, {"attention.qkv.weight", {8, 4}}};
  for (const auto& [name, shape] : foreign) {
    CAPTURE(name);
    Weights weights = small_resnet();
    weights[name] = ones(shape);
    CHECK(refusal(weights) ==
          ": holds '" + std::string(name) +
              "', which a cifar_resnet8 has no place for, so its answers "
              "would be wrong: --head names the head's modules in their order, --drop those of no "
              "use");
    const std::string module = std::string(name).substr(0, std::string(name).find('.'));
    CHECK(same_weights(import_weights(weights, {.drop = {module}}), small_resnet()));
  }
  Weights many = small_resnet();
  for (int i = 0; i < 40; ++i) many["neck." + std::to_string(i) + ".weight"] = ones({2});
  CHECK(refusal(many).find("'neck.12.weight' and 35 more") != std::string::npos);
}

TEST_CASE("losses, counters and heads with names of their own change no answer, and are noted") {
  for (const char* name : {"criterion.weight", "loss_fn.weight", "arc_loss.weight", "n_averaged",
                           "fc_age.weight", "branch1.0.weight", "aux_classifier.weight",
                           "exits.1.weight", "age_head.weight", "train_metric.total"}) {
    CAPTURE(name);
    Weights weights = small_resnet();
    weights[name] = ones({2, 2});
    const Model model = import_weights(weights);
    CHECK(same_weights(model, small_resnet()));
    CHECK(model.notes() == std::vector<std::string>{"left out, not part of a cifar_resnet8: '" +
                                                    std::string(name) + "'"});
  }
}

TEST_CASE("a normalisation inside the network is refused, and the message says what to give") {
  Weights weights;
  add(weights, "model.", small_resnet());
  weights["normalizer.new_mean"] = ones({3, 1, 1});
  weights["normalizer.new_std"] = ones({3, 1, 1});
  CHECK(refusal(weights).ends_with(
      "if the network normalises its input by them, give --mean, --std and --drop MODULE"));
  CHECK_NOTHROW(import_weights(weights, {.mean = std::vector<float>{0.5f, 0.5f, 0.5f},
                                         .std = std::vector<float>{0.2f, 0.2f, 0.2f},
                                         .drop = {"normalizer"}}));
}

TEST_CASE("a name in the file that is another network's is refused, unless asked for") {
  for (const char* name : {"resnet50d", "seresnet18", "resnet50_gn", "resnet18t",
                           "timm/resnet26d.bt_in1k", "vit_base_patch16_224"}) {
    CAPTURE(name);
    const std::string error = refusal(small_resnet(), {}, {{"arch", name}});
    CHECK(error == ": 'arch' says '" + std::string(name) +
                       "', and its tensors are read as a cifar_resnet8, which answers otherwise; "
                       "--arch cifar_resnet8 reads it so all the same");
    const Model model =
        import_weights(small_resnet(), {.architecture = "cifar_resnet8"}, {{"arch", name}});
    CHECK(model.notes().size() == 1);
  }
  for (const char* name : {"resnet18", "ResNet50", "cifar10_resnet20", "timm/resnet50.a1_in1k",
                           "resnext50_32x4d", "wide_resnet50_2", "tv_resnet34", "my_model", "net"})
    CHECK(refusal(small_resnet(), {}, {{"arch", name}}) == "");
  CHECK(refusal(random_bert(1), {.settings = {{"attention_heads", "4"}}},
                {{"args.model_name", "roberta-base"}})
            .find("'args.model_name' says 'roberta-base'") != std::string::npos);
}

TEST_CASE("a configuration's type of network is a name too") {
  CHECK(refusal(small_resnet(), {}, {{"config.model.type", "ResNetV1d"}})
            .find("'config.model.type' says 'ResNetV1d'") != std::string::npos);
}

TEST_CASE("only names of other networks are other networks") {
  const auto other = [](const std::string& name, const std::string& recognised,
                        const models::Settings& settings = {}) {
    models::Architecture architecture;
    architecture.name = recognised;
    architecture.settings = settings;
    return models::other_than_resnet(name, architecture);
  };
  for (const char* name :
       {"resnet50", "resnet152_imagenet", "gluon_resnet50_v1b", "swsl_resnext50_32x4d",
        "resnet20_cifar10", "cifar100_resnet56", "", "model", "best"})
    CHECK(other(name, "resnet50") == "");
  for (const char* name :
       {"resnet50c", "gluon_resnet50_v1d", "resnetv2_50", "preact_resnet18", "PreActResNet18",
        "resnest50d", "res2net50", "resnetrs50", "densenet121", "seresnet18", "ecaresnet50"})
    CHECK(other(name, "resnet50") == name);
  const std::pair<const char*, const char*> same[] = {
      {"resnet50d.ra2_in1k", "resnet50d"}, {"timm/resnet26t", "resnet26d"},
      {"resnet50s", "resnet50c"},          {"seresnext26d_32x4d", "seresnext26d_32x4d"},
      {"senet154", "seresnext152c_64x4d"}, {"ecaresnet26t", "ecaresnet26d"},
      {"resnetrs50", "resnetrs50"},        {"PreActResNet18", "preact_resnet18"},
      {"wrn_28_10", "cifar_wrn28_10"}};
  for (const auto& [name, recognised] : same) {
    CAPTURE(name);
    CHECK(other(name, recognised) == "");
  }
  CHECK(other("resnet50d", "resnet50c") == "resnet50d");
  CHECK(other("ecaresnet18", "seresnet18") == "ecaresnet18");
  CHECK(other("resnetaa50", "resnet50") == "resnetaa50");
  CHECK(other("resnetaa50", "resnet50", {{"antialias", "average"}}) == "");
  CHECK(other("resnetblur50", "resnet50", {{"antialias", "average"}}) == "resnetblur50");
  CHECK(models::smoothing_of_resnet("seresnextaa101d_32x8d") == "average");
  CHECK(models::smoothing_of_resnet("resnetblur18") == "blur");
  CHECK(models::smoothing_of_resnet("resnet18") == "");
  CHECK(models::other_than_bert("bert-base-uncased") == "");
  CHECK(models::other_than_bert("microsoft/deberta-v3-small") == "microsoft/deberta-v3-small");
}

TEST_CASE("heads that are none of those that are read are refused by name") {
  const auto head = [](const Weights& layers, const std::string& setting = "",
                       const std::string& value = "") {
    Weights weights = small_resnet();
    std::erase_if(weights, [](const auto& tensor) { return tensor.first.starts_with("linear"); });
    add(weights, "", layers);
    ImportOptions options;
    if (!setting.empty()) options.settings[setting] = value;
    return refusal(weights, options);
  };
  const Tensor five = ones({5, 16}), square = ones({16, 16}), vector = ones({16});
  const std::string of_another_kind =
      ": expected a linear layer, a batch norm, or an nn.Sequential";
  CHECK(head({{"fc.weight", five}}) == "");
  CHECK(head({{"fc.0.weight", vector}, {"fc.1.weight", five}})
            .starts_with(": head 'fc.0'" + of_another_kind));
  CHECK(head({{"fc.a.weight", square}, {"fc.b.weight", square}})
            .starts_with(": head 'fc'" + of_another_kind));
  CHECK(head({{"fc.0.0.0.0.weight", five}}).starts_with(": head 'fc.0.0.0'" + of_another_kind));
  CHECK(head({{"fc.0.weight", square}, {"fc.2.weight", ones({5, 15})}}) ==
        ": tensor 'fc.2.weight': expected shape (5, 16), got (5, 15)");
  CHECK(head({{"fc.weight", ones({5, 32})}}).find("--head-pool max+average or average+max") !=
        std::string::npos);
  const Weights norm{{"fc.0.weight", five},
                     {"fc.1.weight", ones({5})},
                     {"fc.1.bias", ones({5})},
                     {"fc.1.running_mean", ones({5})},
                     {"fc.1.running_var", ones({5})}};
  CHECK(head(norm) == ": head 'fc.1': expected a linear layer as the last, got a batch norm");
  Weights many;
  for (int i = 0; i < 40; ++i) many["fc." + std::to_string(i) + ".weight"] = square;
  CHECK(head(many) == ": head 'fc.32': expected at most 32 layers, got more");
  for (const char* value : {"", "fc,", "fc,fc", "nowhere", "fc,classifier"})
    CHECK(head({{"fc.weight", five}}, "head", value) ==
          ": setting 'head': expected modules with tensors, each once, with commas between, got '" +
              std::string(value) + "'");
  CHECK(head({{"fc.weight", five}}, "head_activation", "tanh") ==
        ": setting 'head_activation': expected none, as the head has no place for one, got 'tanh'");
  CHECK(head({{"fc.0.weight", square}, {"fc.2.weight", five}}, "head_activation", "swish") ==
        ": setting 'head_activation': expected relu, gelu, gelu_tanh, tanh or none, got 'swish'");
  CHECK(head({{"fc.weight", five}}, "one_logit", "sigmoid") ==
        ": setting 'one_logit': expected none, as the head has 5 logits, got 'sigmoid'");
  CHECK(head({{"fc.weight", five}}, "head_input", "cls") ==
        ": setting 'head_input' is none of a ResNet");
}

TEST_CASE("checkpoints that are something else are told what they are") {
  const std::pair<const char*, const char*> others[] = {
      {"conv1.weight_orig", "remove_spectral_norm"},
      {"conv1.0.weight", "a stem of several convolutions"},
      {"0.weight", "modules without names"},
      {"backbone.body.conv1.weight", "a detector"},
      {"vit.patch_embed.proj.weight", "a vision transformer"},
      {"model.layers.0.q.qweight", "GPTQ"}};
  for (const auto& [name, expected] : others) {
    CAPTURE(name);
    const std::string error = refusal({{name, ones({2, 2})}});
    CHECK(error.starts_with(": unknown architecture: '" + std::string(name) + "': "));
    CHECK(error.find(expected) != std::string::npos);
    CHECK(error.size() < 200);
  }
  Weights renamed = small_resnet();
  auto head = renamed.extract("linear.weight");
  head.key() = "my_layer.weight";
  renamed.insert(std::move(head));
  CHECK(refusal(renamed).find("found 'my_layer.weight' (5, 16): --head MODULE says that it is "
                              "that one") != std::string::npos);
  Weights groups = small_resnet();
  std::erase_if(
      groups, [](const auto& tensor) { return tensor.first.find("running") != std::string::npos; });
  CHECK(refusal(groups).find("GroupNorm is read with --norm-groups N") != std::string::npos);
}

TEST_CASE("arguments of the network that are not its family's are refused, unless asked for") {
  const struct {
    const char *key, *value, *option;
  } cases[] = {{"args.global_pool", "avgmax", "--head-pool"},
               {"args.output_stride", "2", "--output-stride"},
               {"args.act_layer", "silu", "--activation"},
               {"args.model_kwargs.act_layer", "silu", "--activation"},
               {"args.aa_layer", "median", "--antialias"}};
  for (const auto& [key, value, option] : cases) {
    CAPTURE(key);
    CHECK(refusal(small_resnet(), {}, {{key, value}}) ==
          ": '" + std::string(key) + "' says '" + value +
              "', which a cifar_resnet8 is not read with; " + option + " says how to read it");
    CHECK(refusal(small_resnet(), {.architecture = "cifar_resnet8"}, {{key, value}}) == "");
  }
  const Model asked = import_weights(small_resnet(), {.settings = {{"activation", "relu"}}},
                                     {{"args.act_layer", "gelu"}});
  REQUIRE(!asked.notes().empty());
  CHECK(asked.notes().front() == "'args.act_layer' says 'gelu'; read with relu, as asked");
  CHECK(refusal(small_resnet(), {}, {{"args.gp", "avg"}, {"args.output_stride", "32"}}) == "");
}

TEST_CASE("arguments and names that tell of the wiring are settings, unless another is asked for") {
  const auto assumed = [](const Metadata& metadata, const ImportOptions& options,
                          const std::string& what) {
    const Model model = import_weights(small_resnet(), options, metadata);
    for (const Assumption& each : model.assumptions()) {
      if (each.what == what) return each;
    }
    return Assumption{};
  };
  const struct {
    const char *key, *value, *what, *expected;
  } cases[] = {{"args.gp", "max", "head pool", "max"},
               {"args.output_stride", "8", "output stride", "8"},
               {"args.act_layer", "gelu", "activation", "gelu"},
               {"args.bn_eps", "0.001", "epsilon", "0.001"},
               {"args.aa_layer", "blurpool", "antialias", "blur"},
               {"arch", "resnetaa8", "antialias", "average"}};
  for (const auto& one : cases) {
    CAPTURE(one.key);
    const Metadata metadata{{one.key, one.value}};
    const Assumption told = assumed(metadata, {}, one.what);
    CHECK(told.value == one.expected);
    CHECK(told.source == AssumptionSource::config);
    CHECK(assumed(metadata, {.architecture = "resnet8"}, one.what).source ==
          AssumptionSource::default_value);
  }
  CHECK(
      assumed({{"args.gp", "max"}}, {.settings = {{"head_pool", "average"}}}, "head pool").value ==
      "average");
}

TEST_CASE("a folder of timm's has its preprocessing and labels, or is refused") {
  const files::Folder folder;
  write_safetensors(folder.path + "/model.safetensors", small_resnet(), {});
  folder.write("preprocessor_config.json", "{}");  // not timm's
  const auto with = [&](const std::string& more) {
    folder.write("config.json",
                 R"({"architecture": "resnet18", "label_names": ["a", "b", "c", "d", "e"], )" +
                     more +
                     R"("pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
                     "input_size": [3, 160, 160], "crop_pct": 0.95, "interpolation": "bicubic"}})");
    return folder.path;
  };
  const Model model = Model::import_checkpoint(with(""));
  CHECK(model.preprocessing().mean == std::vector<float>{0.5f, 0.5f, 0.5f});
  CHECK(model.preprocessing().std == std::vector<float>{0.25f, 0.25f, 0.25f});
  CHECK(model.preprocessing().resize == 168);
  CHECK(model.preprocessing().crop == 160);
  CHECK(model.labels() == std::vector<std::string>{"a", "b", "c", "d", "e"});
  CHECK(model.notes() ==
        std::vector<std::string>{"preprocessor_config.json is left aside: config.json is timm's"});
  CHECK(model.preprocessing().interpolation == Interpolation::bicubic);
  const auto error = [&](const std::string& more) {
    return files::error_of([&] { Model::import_checkpoint(with(more)); });
  };
  CHECK(error(R"("global_pool": "avg", "model_args": {}, )") == "");
  CHECK(error(R"("global_pool": "max", )") == "");
  // As timm itself writes it.
  CHECK(error(R"("model_args": {"num_classes": 5, "in_chans": 3, "global_pool": "avg"}, )") == "");
  CHECK(error(R"("model_args": {"num_classes": 9}, )").find("model_args.num_classes' says '9'") !=
        std::string::npos);
  CHECK(error(R"("model_args": {"block_args": {}}, )").find("'model_args.block_args' says") !=
        std::string::npos);
  CHECK(error(R"("model_args": {"act_layer": "silu"}, )").find("model_args.act_layer") !=
        std::string::npos);
}

TEST_CASE("means of 0 to 255 and labels that stand for several classes are told of") {
  const Model large = import_weights(small_resnet(), {.mean = std::vector<float>{128, 128, 128}});
  REQUIRE(large.notes().size() == 1);
  CHECK(large.notes()[0].starts_with("mean 128 is subtracted from pixels in 0 … 1"));
  const Model twice = import_weights(small_resnet(), {.labels = {"a", "b", "a", "a", "c"}});
  CHECK(twice.notes() == std::vector<std::string>{
                             "label 'a' stands for several classes: data with that label will be "
                             "refused"});
}

TEST_CASE("preprocessing and labels are among what is taken for granted, with their source") {
  const auto source = [](const Model& model, const std::string& what) {
    for (const Assumption& each : model.assumptions()) {
      if (each.what == what) return std::string(name_of(each.source)) + " " + each.value;
    }
    return std::string();
  };
  const Model usual = import_weights(small_resnet());
  CHECK(source(usual, "stem") == "weights 3x3, 4 channels");
  CHECK(source(usual, "shortcut") == "weights 1x1 convolution");
  CHECK(source(usual, "epsilon") == "default 1e-05");
  CHECK(source(usual, "resize") == "default 32");
  CHECK(source(usual, "mean") == "default 0.485,0.456,0.406");
  CHECK(source(usual, "labels") == "default 0 … 4");
  const Model told = import_weights(
      small_resnet(),
      {.labels = {"a", "b", "c", "d", "e"}, .mean = std::vector<float>{0, 0, 0}, .size = 40});
  CHECK(source(told, "resize") == "option 40");
  CHECK(source(told, "mean") == "option 0,0,0");
  CHECK(source(told, "std") == "default 0.229,0.224,0.225");
  CHECK(source(told, "labels") == "option a … e");
}
