#pragma once

#include <string>

#include "architecture.h"

namespace sidenet::models {

/// `name`, where a checkpoint's network goes by it and it is known to be another than the residual
/// network that was recognised ("resnest50", "resnet50_gn"; "seresnet18" where blocks have no
/// attention); else empty: "resnet50", "cifar10_resnet20", or somebody's own name.
std::string other_than_resnet(const std::string& name, const Architecture& recognised);
/// "blur" or "average", where a residual network of that name smooths what it strides over
/// ("resnetblur50", "resnetaa50d"); else empty.
std::string smoothing_of_resnet(const std::string& name);
/// The same where it is neither BERT nor DistilBERT: "roberta-base".
std::string other_than_bert(const std::string& name);

}  // namespace sidenet::models
