#pragma once

#include <string>

namespace sidenet::models {

/// `name`, where a checkpoint's network goes by it and it is known to be another than torchvision's
/// or the CIFAR ResNets of the same weights ("resnet50d", "seresnet18", "resnet50_gn"); else empty:
/// "resnet50", "cifar10_resnet20", or somebody's own name.
std::string other_than_resnet(const std::string& name);
/// The same where it is neither BERT nor DistilBERT: "roberta-base".
std::string other_than_bert(const std::string& name);

}  // namespace sidenet::models
