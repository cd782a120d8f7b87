#include "foreign_names.h"

#include <algorithm>
#include <array>

#include "json_field.h"
#include "sidenet/error.h"
#include "weights.h"

namespace sidenet::models {
namespace {

struct Sign {
  const char* part;  ///< of a tensor's name
  const char* meaning;
};

constexpr const char* kAdapter =
    "an adapter (LoRA, …): merge it into its base first (peft: merge_and_unload())";
constexpr const char* kQuantised =
    "quantised weights, which are not read: import the model as it was before";
constexpr const char* kOtherExits =
    "another method's exits: import the plain model and train SideNets for it";

// Parts that no plain BERT's tensors have.
constexpr std::array kSigns{
    Sign{".lora_", kAdapter},
    Sign{".base_layer.", kAdapter},
    Sign{".adapters.", kAdapter},
    Sign{"invertible_adapters.", kAdapter},
    Sign{"prefix_tuning.", kAdapter},
    Sign{".adapter.", kAdapter},
    Sign{"adapter_down", kAdapter},
    Sign{".ia3_l", kAdapter},
    Sign{".hada_w", kAdapter},
    Sign{".lokr_w", kAdapter},
    Sign{"prompt_embeddings", kAdapter},
    Sign{".SCB", kQuantised},
    Sign{".absmax", kQuantised},
    Sign{".quant_map", kQuantised},
    Sign{".qweight", kQuantised},
    Sign{".qzeros", kQuantised},
    Sign{".weight_scale", kQuantised},
    Sign{"_packed_params", kQuantised},
    Sign{"fake_quant", kQuantised},
    Sign{".weight_packed", kQuantised},
    Sign{".highway.", kOtherExits},
    Sign{".distance_embedding.", "relative positions: expected absolute ones"}};

// Modules of transformers' networks whose encoders have BERT's names.
constexpr std::array kModules{
    "roberta",    "data2vec_text", "electra",       "albert",      "deberta",     "mpnet",
    "mobilebert", "nezha",         "ernie",         "ernie_m",     "convbert",    "camembert",
    "funnel",     "layoutlm",      "layoutlmv2",    "layoutlmv3",  "lilt",        "luke",
    "markuplm",   "roformer",      "rembert",       "splinter",    "elasticbert", "esm",
    "ibert",      "mra",           "nystromformer", "yoso",        "fnet",        "canine",
    "tapas",      "visual_bert",   "lxmert",        "bros",        "roc_bert",    "longformer",
    "big_bird",   "megatron_bert", "squeezebert",   "xlm_roberta", "xmod",        "qdqbert",
    "realm",      "retribert",     "gte",           "nomic_bert"};

}  // namespace

void refuse_foreign_names(const std::map<std::string, Tensor>& tensors, const std::string& file) {
  for (const auto& [part, meaning] : kSigns) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& tensor) {
      return tensor.first.find(part) != std::string::npos;
    });
    if (found == tensors.end()) continue;
    throw Error(file + ": tensor '" + shown_name(found->first) + "': is of " + meaning);
  }
}

void refuse_foreign_module(const std::string& tensor, const std::string& path,
                           const std::string& file) {
  if (path.empty()) return;
  const std::size_t before = path.rfind('.', path.size() - 2);
  const std::string module = path.substr(before == std::string::npos ? 0 : before + 1);
  if (std::none_of(kModules.begin(), kModules.end(),
                   [&](const std::string& other) { return module == other + "."; }))
    return;
  throw Error(file + ": tensor '" + tensor + "': expected a BERT or DistilBERT, got '" + module +
              "'");
}

void refuse_quantised(const JsonField& config) {
  if (!config.has("quantization_config")) return;
  const JsonField quantised = config.at("quantization_config");
  const char* expected = "none: quantised weights are not read, import the model as it was before";
  if (quantised.is_object() && quantised.has("quant_method"))
    quantised.at("quant_method").refuse(expected);
  quantised.refuse(expected);
}

}  // namespace sidenet::models
