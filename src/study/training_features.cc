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

// The classes of a head that is yet to be fitted.
std::vector<std::string> class_names_of(const std::vector<std::shared_ptr<const Dataset>>& parts) {
  std::set<std::string> unique;
  for (const auto& part : parts)
    unique.insert(part->class_names().begin(), part->class_names().end());
  if (unique.size() < 2)
    throw Error("train: a head needs data with two classes or more, got " +
                std::to_string(unique.size()));
  const std::vector<std::string> names(unique.begin(), unique.end());
  std::vector<std::string> sorted;
  for (const std::size_t index : sorted_order(names)) sorted.push_back(names[index]);
  return sorted;
}

template <class AnyDigest>
void add_tokenizer(AnyDigest& digest, const Model& model, const TrainOptions& options) {
  const Tokenizer& tokenizer = model.tokenizer();
  digest.add(tokenizer.vocabulary().size());
  for (const std::string& piece : tokenizer.vocabulary()) digest.add(piece);
  const TokenizerOptions& o = tokenizer.options();
  for (const int number : {o.clean_text ? 1 : 0, o.chinese_characters ? 1 : 0,
                           o.strip_accents ? (*o.strip_accents ? 1 : 0) : 2, o.lower_case ? 1 : 0,
                           o.max_word_characters, o.max_tokens, static_cast<int>(o.truncation)}) {
    digest.add(static_cast<std::uint64_t>(number));
  }
  for (const std::string* text : {&o.continuation, &o.unknown, &o.cls, &o.sep, &o.pad, &o.mask})
    digest.add(*text);
  for (const AddedToken& token : contents_of(tokenizer).added)
    digest.add(static_cast<std::uint64_t>(token.id));
  digest.add(static_cast<std::uint64_t>(contents_of(tokenizer).model_pieces))
      .add(name_of(options.token_pool));
}

// Lists with their lengths: no two models give the same fields.
template <class AnyDigest>
std::string features_digest(AnyDigest digest, const Model& model, const LabelledData& data,
                            const TrainOptions& options) {
  digest.add("features 5").add(build_fingerprint()).add(model.architecture());
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
  for (const int number :
       {preprocessing.resize, preprocessing.crop, preprocessing.channels,
        static_cast<int>(preprocessing.channel_order), options.pool, options.flip ? 1 : 0}) {
    digest.add(static_cast<std::uint64_t>(number));
  }
  return digest.hex();
}

}  // namespace

LabelledData label_data(const Model& model,
                        const std::vector<std::shared_ptr<const Dataset>>& parts) {
  LabelledData data;
  data.parts = parts;
  data.class_names = model.has_head() ? model.labels() : class_names_of(parts);
  for (const auto& part : parts) {
    check_kind(model, *part);
    const std::vector<int> labels = map_labels(*part, data.class_names, &data.notes);
    data.labels.insert(data.labels.end(), labels.begin(), labels.end());
    for (std::int64_t row = 0; row < part->rows(); ++row)
      data.groups.push_back(group_of(*part, row));
  }
  if (data.labels.empty()) throw Error("train: the data has no rows");
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
