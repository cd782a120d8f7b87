#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "picture_notes.h"
#include "predict_guard.h"
#include "predict_writer.h"
#include "sidenet/session.h"
#include "sidenet/text.h"

namespace sidenet::tools {

/// What a run has done so far.
struct PredictTotals {
  std::int64_t rows = 0;    ///< with those that failed
  std::int64_t failed = 0;  ///< of these
  double seconds = 0;
  std::vector<std::string> exits;
  std::vector<std::int64_t> answered;  ///< rows, by exit
  double rows_per_second() const { return seconds > 0 ? static_cast<double>(rows) / seconds : 0; }
  /// "1,200 rows, 300 rows/s; layer1.2 80.1 %, final 19.9 %; 3 failed".
  std::string str() const;
};

/// Collects rows to batches, runs them, and hands on the answers in the order they came. A row that
/// fails is told of on stderr, and the others go on.
class Predictor {
 public:
  struct Options {
    SessionOptions session;
    std::size_t batch = 1;
    /// How many rows that failed stderr names; the others have their errors in a file.
    std::int64_t told = INT64_MAX;
  };
  /// guard: where set, its policy is used and its rows are told to it. It and the writer outlive
  /// this.
  Predictor(const Model& model, const ExitPolicy& policy, const Options& options,
            AnswerWriter& writer, PredictGuard* guard);

  /// An image file, `row.input`.
  void add_image(InputRow row);
  void add_text(const Text& text, InputRow row);
  /// A row that did not come to the network. The message has its place.
  void add_failed(InputRow row, const std::string& message);
  void flush();
  /// What is no row's failure.
  void report(const std::string& message);
  bool failed() const { return failed_; }
  PredictTotals totals() const;
  /// A line for stderr as soon as a JPEG has been read; empty: none.
  void tell_at_first_jpeg(std::string note) { jpeg_note_ = std::move(note); }
  /// Of the images that were read.
  const PictureCounts& pictures() const { return pictures_; }

 private:
  struct Waiting {
    InputRow row;
    std::string error;  ///< for the writer; empty: it is in the batch
    std::string told;   ///< the same for stderr
  };
  void add(Waiting waiting);
  Answers run_batch(double& ms);
  void write(Waiting& waiting, const Answers& answers, std::size_t row, double ms);
  void write_failed(const Waiting& waiting);
  void fail(Waiting& waiting, const std::string& why) const;

  const Model& model_;
  ExitPolicy policy_;
  Session session_;
  AnswerWriter& writer_;
  Options options_;
  PredictGuard* guard_;
  std::vector<Waiting> waiting_;
  std::vector<Tensor> images_;
  Batch batch_;
  PictureCounts pictures_;
  std::string jpeg_note_;
  bool failed_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  PredictTotals totals_;
};

}  // namespace sidenet::tools
