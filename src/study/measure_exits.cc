#include "measure_exits.h"

#include <algorithm>
#include <numeric>

#include "failed_rows.h"
#include "input_checks.h"
#include "label_map.h"
#include "risk_counts.h"
#include "row_digests.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "threads.h"

namespace sidenet {
namespace {

template <typename Number>
void accumulate(const std::vector<Number>& from, std::vector<double>& to) {
  to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += static_cast<double>(from[i]);
}

void divide(std::vector<double>& values, double by) {
  for (double& value : values) value /= by;
}

}  // namespace

MeasuredExits measure_exits(const Model& model, const Dataset& data, const MeasureOptions& options,
                            const ProgressCallback& progress) {
  const std::int64_t rows = data.rows();
  if (rows == 0) throw Error("the data has no rows");
  check_kind(model, data);
  const int threads = resolve_threads(options.execution.threads);
  Session session(model, {.execution = options.execution});
  MeasuredExits measured;
  for (std::int64_t row = 0; row < rows && !measured.has_jpegs; ++row)
    measured.has_jpegs = data.picture_facts(row).format == PictureFormat::jpeg;
  measured.names = session.exit_names();
  if (options.labels) {
    LabelMap map = map_labels(data, classes_of(model));
    measured.labels = std::move(map.of_rows);
    measured.notes = std::move(map.notes);
  } else {
    measured.labels.assign(static_cast<std::size_t>(rows), kNoLabel);
  }
  const auto classes = static_cast<std::int64_t>(model.labels().size());
  for (std::size_t exit = 0; exit < measured.names.size(); ++exit)
    measured.logits.emplace_back(DType::f32, Shape{rows, classes});
  const std::int64_t batch_rows = options.execution.batch.value_or(1);
  for (std::int64_t first = 0; first < rows; first += batch_rows) {
    const std::int64_t count = std::min(batch_rows, rows - first);
    const Batch batch = batch_of(model, data, first, count, threads);
    if (first == 0) session.run_all_exits(batch);  // makes the kernels
    const AllExits result = session.run_all_exits(batch);
    refuse_failed_rows(result, session, [&](std::int64_t row) { return data.name(first + row); });
    for (std::size_t exit = 0; exit < measured.names.size(); ++exit) {
      std::copy_n(result.logits[exit].data<float>(), count * classes,
                  measured.logits[exit].mutable_data<float>() + first * classes);
    }
    for (const std::uint32_t digest : row_digests(batch)) measured.digests.push_back(digest);
    accumulate(result.segment_ms, measured.segment_ms);
    accumulate(result.head_ms, measured.head_ms);
    accumulate(result.segment_multiply_adds, measured.segment_compute);
    accumulate(result.head_multiply_adds, measured.head_compute);
    for (std::int64_t row = 0; row < batch.tokens.rows(); ++row) {
      measured.weight.push_back(
          static_cast<float>(session.mainnet_multiply_adds({batch.tokens.length(row)})));
    }
    if (progress) progress({"measure", first + count, rows, ""});
  }
  const double mainnet =
      std::accumulate(measured.segment_compute.begin(), measured.segment_compute.end(), 0.0);
  divide(measured.segment_compute, mainnet);
  divide(measured.head_compute, mainnet);
  divide(measured.segment_ms, static_cast<double>(rows));
  divide(measured.head_ms, static_cast<double>(rows));
  for (float& weight : measured.weight)
    weight = static_cast<float>(weight * static_cast<double>(rows) / mainnet);
  return measured;
}

}  // namespace sidenet
