#include "training_features.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>

#include "build_fingerprint.h"
#include "class_names.h"
#include "digest.h"
#include "input_checks.h"
#include "joined_dataset.h"
#include "label_map.h"
#include "model_data.h"
#include "row_digests.h"
#include "sidenet/error.h"
#include "tokenizer_file.h"
#include "unchanged_rows.h"

namespace sidenet {
namespace {

/// (rows, C, H, W) to (2 rows, C, H, W): each image, then its mirror image.
Tensor with_mirrored(const Tensor& inputs) {
  Shape shape = inputs.shape();
  shape[0] *= 2;
  Tensor result(DType::f32, shape);
  const std::int64_t width = inputs.dim(3), image = inputs.dim(1) * inputs.dim(2) * width;
  const float* from = inputs.data<float>();
  float* to = result.mutable_data<float>();
  for (std::int64_t row = 0; row < inputs.dim(0); ++row, from += image, to += 2 * image) {
    std::copy(from, from + image, to);
    for (std::int64_t line = 0; line < image; line += width)
      std::reverse_copy(from + line, from + line + width, to + image + line);
  }
  return result;
}

// As a column of the cache, whose numbers are bit patterns here; each row `copies` times (a
// mirrored row has its original's).
template <typename Bits>
Tensor digest_column(const std::vector<Bits>& digests, std::int64_t copies) {
  constexpr std::int64_t width = sizeof(Bits) / sizeof(float);
  Tensor column(DType::f32, {static_cast<std::int64_t>(digests.size()) * copies, width});
  float* to = column.mutable_data<float>();
  for (const Bits& digest : digests) {
    for (std::int64_t copy = 0; copy < copies; ++copy, to += width)
      std::memcpy(to, &digest, sizeof digest);
  }
  return column;
}

// The digests that the cached rows were made from, of each row once.
std::vector<std::uint64_t> cached_sources(const FeatureCache& cache, std::size_t column,
                                          std::int64_t copies) {
  const Tensor values = cache.rows_of(column);
  std::vector<std::uint64_t> digests(static_cast<std::size_t>(cache.rows_done() / copies));
  for (std::size_t row = 0; row < digests.size(); ++row) {
    std::memcpy(&digests[row],
                values.raw() + row * static_cast<std::size_t>(copies) * sizeof digests[row],
                sizeof digests[row]);
  }
  return digests;
}

// An image's name, a text's words: what was given twice must not stand on both sides of a split.
std::uint64_t group_of(const Dataset& data, std::int64_t row) {
  std::string key;
  if (data.kind() == Dataset::Kind::images) {
    key = data.name(row);
  } else {
    Text text = data.text(row);
    key = std::move(text.first);
    if (text.second) key += '\0' + *text.second;
  }
  return hash64(std::as_bytes(std::span(key.data(), key.size())), 0);
}

// Of a head that is yet to be fitted: the data's own. Numbers mean themselves.
ModelClasses classes_of_head(const std::vector<std::shared_ptr<const Dataset>>& parts) {
  std::set<std::string> unique;
  const Dataset *numbers = nullptr, *names = nullptr;
  for (const auto& part : parts) {
    if (!part->class_names().empty())
      (whole_numbers(part->class_names()) ? numbers : names) = part.get();
    unique.insert(part->class_names().begin(), part->class_names().end());
    if (part->labels_from() == LabelsFrom::automatic) continue;
    throw Error("train: labels_from: expected none, as a new head has the data's own labels, got " +
                std::string(name_of(part->labels_from())));
  }
  if (unique.size() < 2)
    throw Error("train: a head needs data with two classes or more, got " +
                std::to_string(unique.size()));
  for (const auto& part : parts) {
    if (part->class_names().empty())
      throw Error("train: " + part->name(0) + " has no names of classes, which a new head takes");
  }
  if (numbers != nullptr && names != nullptr) {
    throw Error("train: " + numbers->name(0) + " has numbers as labels, " + names->name(0) +
                " names: expected one or the other in all data of a new head");
  }
  const std::vector<std::string> labels(unique.begin(), unique.end());
  ModelClasses classes;
  for (const std::size_t index : sorted_order(labels)) classes.labels.push_back(labels[index]);
  if (numbers != nullptr) classes.data_labels = classes.labels;
  return classes;
}

template <class AnyDigest>
void add_tokenizer(AnyDigest& digest, const Model& model, const TrainOptions& options) {
  const Tokenizer& tokenizer = model.tokenizer();
  digest.add(tokenizer.vocabulary().size());
  for (const std::string& piece : tokenizer.vocabulary()) digest.add(piece);
  const TokenizerOptions& o = tokenizer.options();
  for (const int number : {o.clean_text ? 1 : 0, o.chinese_characters ? 1 : 0,
                           o.strip_accents ? (*o.strip_accents ? 1 : 0) : 2, o.lower_case ? 1 : 0,
                           o.max_word_characters, o.max_tokens, static_cast<int>(o.truncation),
                           static_cast<int>(o.truncation_side), o.second_type}) {
    digest.add(static_cast<std::uint64_t>(number));
  }
  for (const std::string* text : {&o.continuation, &o.unknown, &o.cls, &o.sep, &o.pad, &o.mask})
    digest.add(*text);
  for (const AddedToken& token : contents_of(tokenizer).added)
    digest.add(static_cast<std::uint64_t>(token.id)).add(std::uint64_t{token.normalized});
  digest.add(static_cast<std::uint64_t>(contents_of(tokenizer).model_pieces))
      .add(name_of(options.token_pool));
}

// Lists with their lengths: no two models give the same fields.
template <class AnyDigest>
std::string features_digest(AnyDigest digest, const Model& model, const LabelledData& data,
                            const TrainOptions& options) {
  digest.add("features 4").add(build_fingerprint()).add(model.architecture());
  digest.add(data_of(model).architecture.settings.size());
  for (const auto& [key, value] : data_of(model).architecture.settings) digest.add(key).add(value);
  // The head's logits are features too.
  const auto& head = data_of(model).head;
  digest.add(std::uint64_t{head.has_value()});
  if (head) digest.add(head->tap).add(name_of(head->pooling.tokens));
  for (const auto& [name, tensor] : data_of(model).weights) {
    const bool is_head = name.starts_with(ops::SideNet::scope(kFinalExit));
    if ((ops::SideNet::owns(name) && !is_head) || name == kTrainingRows) continue;
    digest.add(name)
        .add(dtype_name(tensor.dtype()))
        .add(to_string(tensor.shape()))
        .add_many(std::span(tensor.raw(), tensor.bytes()));
  }
  digest.add(options.taps.size());
  for (const std::string& tap : options.taps) digest.add(tap);
  digest.add_many(std::as_bytes(std::span(data.groups)));
  if (model.is_text()) {
    add_tokenizer(digest, model, options);
    return digest.hex();
  }
  const Preprocessing& preprocessing = model.preprocessing();
  digest.add_many(std::as_bytes(std::span(preprocessing.mean)));
  digest.add_many(std::as_bytes(std::span(preprocessing.std)));
  for (const int number : {preprocessing.resize, preprocessing.crop, preprocessing.channels,
                           options.pool, options.flip ? 1 : 0}) {
    digest.add(static_cast<std::uint64_t>(number));
  }
  return digest.hex();
}

}  // namespace

LabelledData label_data(const Model& model,
                        const std::vector<std::shared_ptr<const Dataset>>& parts) {
  LabelledData data;
  data.parts = parts;
  std::vector<const Dataset*> all;
  for (const auto& part : parts) {
    check_kind(model, *part);
    all.push_back(part.get());
    for (std::int64_t row = 0; row < part->rows(); ++row)
      data.groups.push_back(group_of(*part, row));
  }
  if (data.groups.empty()) throw Error("train: the data has no rows");
  const ModelClasses classes = model.has_head() ? classes_of(model) : classes_of_head(parts);
  LabelMap map = map_labels(all, classes);
  data.class_names = classes.labels;
  data.labels = std::move(map.of_rows);
  data.notes = std::move(map.notes);
  data.data_labels = classes.data_labels;
  if (!map.data_labels.empty()) data.data_labels.resize(classes.labels.size());
  for (std::size_t i = 0; i < map.data_labels.size(); ++i) {
    if (!map.data_labels[i].empty()) data.data_labels[i] = map.data_labels[i];
  }
  return data;
}

std::string features_key(const Model& model, const LabelledData& data,
                         const TrainOptions& options) {
  return features_digest(Digest(), model, data, options);
}

FeatureCache::Proof features_proof(const Model& model, const LabelledData& data,
                                   const TrainOptions& options) {
  return [&](const SecretKey& key) {
    return features_digest(SecretDigest(key), model, data, options);
  };
}

std::vector<std::string> feature_columns(const Model& model, const TrainOptions& options) {
  std::vector<std::string> names = options.taps;
  if (model.has_head()) names.emplace_back("logits");
  names.emplace_back("digest");
  names.emplace_back("source");
  return names;
}

void compute_features(TappedSession& mainnet, const Model& model, const LabelledData& data,
                      const TrainOptions& options, FeatureCache& cache,
                      const ProgressCallback& progress) {
  const std::int64_t copies = copies_of_row(options);
  if (const std::int64_t done = cache.rows_done() / copies; done > 0) {
    const JoinedDataset all(data.parts, data.labels, 0);
    const std::size_t source = feature_columns(model, options).size() - 1;
    cache.cut(
        unchanged_rows(all, cached_sources(cache, source, copies), options.execution.threads) *
        copies);
  }
  const std::int64_t first = cache.rows_done() / copies;
  const JoinedDataset missing(data.parts, data.labels, first);
  const auto report = [&](const std::string& note) {
    if (progress) progress({"features", cache.rows_done(), cache.rows(), note});
  };
  if (first > 0) report("taken from the cache");
  if (missing.rows() == 0) return;
  const auto append = [&](const Batch& batch, const std::vector<std::uint32_t>& digests) {
    TappedSession::Output output = mainnet.run(batch);
    std::vector<Tensor> columns = std::move(output.features);
    if (model.has_head()) columns.push_back(std::move(output.logits));
    columns.push_back(digest_column(digests, copies));
    columns.push_back(digest_column(batch.digests, copies));
    cache.append(columns);
    report("");
  };
  const std::int64_t batch_rows =
      std::max<std::int64_t>(1, options.execution.batch.value_or(64) / copies);
  for_each_batch(model, missing, batch_rows, options.execution.threads, [&](const Batch& batch) {
    Batch both = batch;
    if (options.flip) both.inputs = with_mirrored(batch.inputs);
    append(both, row_digests(batch));
  });
  cache.checkpoint();
}

}  // namespace sidenet
