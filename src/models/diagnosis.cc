#include "diagnosis.h"

#include <array>
#include <string_view>

namespace sidenet::models {
namespace {

enum class Where { begins, ends, anywhere };

struct Sign {
  Where where;
  std::string_view text;
  const char* meaning;
};

// The first that a name shows is told, so what wraps other networks comes first.
constexpr std::array kSigns{
    Sign{Where::anywhere, "lora_A", "a LoRA adapter: merge it into its base model first"},
    Sign{Where::anywhere, ".base_layer.", "an adapter: merge it into its base model first"},
    Sign{Where::ends, "weight_orig",
         "weights are spectrally normed: call torch.nn.utils.remove_spectral_norm before saving"},
    Sign{Where::ends, ".qweight", "GPTQ or AWQ weights: save the model in float16 or float32"},
    Sign{Where::ends, ".SCB", "bitsandbytes weights: save the model in float16 or float32"},
    Sign{Where::ends, ".absmax", "bitsandbytes weights: save the model in float16 or float32"},
    Sign{Where::anywhere, "_fake_quant", "a network of quantisation-aware training"},
    Sign{Where::anywhere, "_packed_params", "a quantised network: save the float one"},
    Sign{Where::ends, "kernel:0", "TensorFlow's names: save the model in PyTorch"},
    Sign{Where::anywhere, "tf_bert_for_", "TensorFlow's names: save the model in PyTorch"},
    Sign{Where::ends, "query.kernel", "Flax's names: save the model in PyTorch"},
    Sign{Where::begins, "conv1.0.",
         "a stem of several convolutions, other than ResNet-C's and -D's three"},
    Sign{Where::begins, "backbone.body.", "a detector or a segmentation network"},
    Sign{Where::anywhere, "rpn.head", "a detector"},
    Sign{Where::anywhere, "patch_embed", "a vision transformer"},
    Sign{Where::anywhere, "class_token", "a vision transformer"},
    Sign{Where::anywhere, "tok_embeddings", "a ModernBERT or a LLaMA"},
    Sign{Where::anywhere, "albert_layer_groups", "an ALBERT"},
    Sign{Where::anywhere, ".rel_attn.", "an XLNet"},
    Sign{Where::anywhere, "relative_attention_bias", "an MPNet or a T5"},
    Sign{Where::anywhere, "rel_embeddings", "a DeBERTa"},
    Sign{Where::anywhere, "embeddings_project", "an ELECTRA or an ALBERT"},
    Sign{Where::anywhere, "encoder.embedding_hidden_mapping_in", "an ALBERT"},
    Sign{Where::anywhere, "lstm.", "a recurrent network"},
    Sign{Where::anywhere, "transformer.h.", "a GPT"},
    Sign{Where::begins, "features.0.", "a VGG, DenseNet, MobileNet or the like (features.…)"},
    Sign{Where::anywhere, "init_conv.", "a Shallow-Deep Network"},
    Sign{Where::begins, "0.",
         "modules without names (nn.Sequential of children): save the network's own state_dict"},
};

bool shows(const Sign& sign, std::string_view name) {
  switch (sign.where) {
    case Where::begins: return name.starts_with(sign.text);
    case Where::ends: return name.ends_with(sign.text);
    case Where::anywhere: break;
  }
  return name.find(sign.text) != std::string_view::npos;
}

}  // namespace

std::string diagnose(const Weights& weights) {
  for (const Sign& sign : kSigns) {
    for (const auto& [name, tensor] : weights.tensors()) {
      if (!shows(sign, name)) continue;
      return ": '" + shown_name(name) + "': " + sign.meaning;
    }
  }
  return "";
}

}  // namespace sidenet::models
