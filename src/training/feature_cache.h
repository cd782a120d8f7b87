#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "own_folder.h"
#include "secret_digest.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// What the frozen MainNet gave for each row of the data, on disk, so that it runs once and a run
/// that stopped goes on.
///
/// FOLDER/KEY/ holds one file of raw float32 rows a column (a tap, or the logits) and a small text
/// file `progress`: the rows that are safely written and a checksum of each column's. Rows are
/// appended; every few seconds the data is flushed and only then `progress` replaced, so that a
/// crash or a power cut costs the newest batches and never yields wrong rows. What does not agree
/// with `progress` when opened (size, checksum, key) is thrown away and made again. FOLDER/KEY/ is
/// an OwnFolder: no link in it is followed, and FOLDER itself is none. What KEY says with any
/// digest, `proof` says with one that is keyed by a secret of the folder: nobody can make a model
/// whose features are taken for another's.
class FeatureCache {
 public:
  /// Opens or begins the cache of `key` (letters and digits; other keys live beside it) for `rows`
  /// rows. Throws Error: the folder cannot be written, or another process is using this cache.
  using Proof = std::function<std::string(const SecretKey&)>;
  FeatureCache(const std::string& folder, const std::string& key, std::int64_t rows,
               std::vector<std::string> columns, const Proof& proof = {});
  /// Records what was appended, as far as the disk allows.
  ~FeatureCache();
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  std::int64_t rows() const { return rows_; }
  std::int64_t rows_done() const { return rows_done_; }

  /// The next rows: for each column (n, width) float32; the first append settles the widths. Throws
  /// Error on other shapes, more rows than rows(), and a full disk; then rows_done() is as before.
  void append(const std::vector<Tensor>& values);
  /// Flushes the data, then records the progress. append() does it now and then; needed after the
  /// last append.
  void checkpoint();
  /// Forgets the rows from `rows` on, at most rows_done().
  void cut(std::int64_t rows);
  /// All rows of a column, mapped: (rows, width). Throws Error before they are all there.
  Tensor column(std::size_t index) const;
  /// The rows of a column that are there, mapped: (rows_done, width). Width 0 where there are none.
  Tensor rows_of(std::size_t index) const;
  /// Deletes this key's files, and its folder where nothing else lies there. The tensors of
  /// column() stay valid; nothing else may be called.
  void remove();

 private:
  struct Column {
    std::string name, file;
    std::int64_t width = 0;      // float32 values a row; 0 until known
    std::uint64_t checksum = 0;  // sum over rows of hash64(row, row number)
    Descriptor descriptor;
  };

  std::string describe() const;
  bool resume();
  void start_over();
  void write(Column& column, const Tensor& values);

  OwnFolder folder_;
  std::string key_, proof_;
  std::int64_t rows_;
  std::int64_t rows_done_ = 0, rows_recorded_ = 0;
  std::vector<Column> columns_;
  Descriptor lock_;
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
};

}  // namespace sidenet
