#pragma once

#include <optional>
#include <string>
#include <vector>

#include "picture_notes.h"
#include "predict_guard.h"
#include "predict_writer.h"
#include "sidenet/session.h"
#include "sidenet/text.h"

namespace sidenet::tools {

/// Collects rows to batches, runs them, and writes the answers in the order they came. A row that
/// fails is told of on stderr, and the others go on.
class Predictor {
 public:
  /// guard: where set, its policy is used and its rows are told to it; outlives this.
  Predictor(const Model& model, const ExitPolicy& policy, const SessionOptions& options,
            std::size_t batch, const PredictionWriter::Options& writing, PredictGuard* guard);

  /// An image file.
  void add_image(const std::string& name);
  /// A text; `place` is where it came from ("standard input:3"), for messages.
  void add_text(const Text& text, const std::string& place);
  void flush();
  void report(const std::string& message);
  /// report(), and the text's line of output, behind those of the rows before.
  void fail_text(const std::string& text, const std::string& message);
  bool failed() const { return failed_; }
  /// A line for stderr as soon as a JPEG has been read; empty: none.
  void tell_at_first_jpeg(std::string note) { jpeg_note_ = std::move(note); }
  /// Of the images that were read.
  const PictureCounts& pictures() const { return pictures_; }

 private:
  void answer();
  /// Of a row that has come to the network.
  void fail_row(const std::string& name, const std::string& why);

  const Model& model_;
  ExitPolicy policy_;
  Session session_;
  PredictionWriter writer_;
  std::size_t batch_rows_;
  PredictGuard* guard_;
  std::vector<std::string> names_;
  std::vector<Tensor> images_;
  Batch batch_;
  PictureCounts pictures_;
  std::string jpeg_note_;
  bool failed_ = false;
};

}  // namespace sidenet::tools
