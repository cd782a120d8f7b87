#include "sweep_json.h"

#include <cmath>
#include <cstring>
#include <span>
#include <sstream>
#include <string_view>

#include "assumptions.h"
#include "base64.h"
#include "certificate_words.h"
#include "sidenet/image.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::int64_t kThumbnailPixels = 96;
constexpr std::size_t kExampleBytes = 600;  // of a text

Json trust_json(const Trust& trust, const Trust& uncalibrated) {
  if (trust.rows == 0) return nullptr;
  return {{"rows", trust.rows},
          {"accuracy", trust.accuracy},
          {"ece", trust.ece},
          {"brier", trust.brier},
          {"nll", trust.nll},
          {"auroc", trust.auroc},
          {"ece_uncalibrated", uncalibrated.ece},
          {"brier_uncalibrated", uncalibrated.brier},
          {"nll_uncalibrated", uncalibrated.nll}};
}

Json bars_json(const std::vector<ReliabilityBar>& bars) {
  Json list = Json::array();
  for (const ReliabilityBar& bar : bars) list.push_back({bar.rows, bar.confidence, bar.accuracy});
  return list;
}

Json exit_json(const Sweep& sweep, std::size_t index) {
  const SweptExit& exit = sweep.exits[index];
  const bool is_final = index + 1 == sweep.exits.size();
  Json answered;
  if (exit.answered.rows > 0)
    answered = {{"rows", exit.answered.rows},
                {"accuracy", exit.answered.accuracy},
                {"ece", exit.answered.ece}};
  return {{"name", exit.info.name},
          {"tap", exit.info.tap},
          {"temperature", exit.info.temperature},
          {"threshold", is_final ? Json() : Json(exit.info.threshold)},
          {"hidden", exit.info.hidden},
          {"segment_compute", sweep.scores.segment_compute[index]},
          {"head_compute", sweep.scores.head_compute[index]},
          {"segment_ms", sweep.scores.segment_ms[index]},
          {"head_ms", sweep.scores.head_ms[index]},
          {"all", trust_json(exit.all, exit.all_uncalibrated)},
          {"reached", trust_json(exit.reached, exit.reached_uncalibrated)},
          {"answered", answered},
          {"bins", bars_json(exit.bars)},
          {"bins_uncalibrated", bars_json(exit.bars_uncalibrated)},
          {"overthinking",
           {{"both_right", exit.both_right},
            {"exit_only", exit.exit_only},
            {"mainnet_only", exit.mainnet_only},
            {"both_wrong", exit.both_wrong}}}};
}

Json point_json(const OperatingPoint& point, bool uniform) {
  double rows = 0;
  for (const std::int64_t count : point.rows) rows += static_cast<double>(count);
  Json shares = Json::array();
  for (const std::int64_t count : point.rows) shares.push_back(static_cast<double>(count) / rows);
  Json json = uniform ? Json({{"threshold", point.thresholds.front()}})
                      : Json({{"thresholds", point.thresholds}});
  json.update({{"accuracy", point.accuracy},
               {"agreement", point.agreement},
               {"compute", point.compute},
               {"ms", point.ms},
               {"shares", shares}});
  return json;
}

Json points_json(const std::vector<OperatingPoint>& points, bool uniform) {
  Json list = Json::array();
  for (const OperatingPoint& point : points) list.push_back(point_json(point, uniform));
  return list;
}

/// base64 of little-endian numbers.
template <typename Number>
std::string packed(const std::vector<Number>& values) {
  std::string bytes;
  for (const Number value : values) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value,
                sizeof value);  // the low bytes; this project runs on little-endian machines
    for (std::size_t i = 0; i < sizeof value; ++i)
      bytes += static_cast<char>(bits >> (8 * i) & 0xff);
  }
  return base64(bytes);
}

std::string packed_classes(const std::vector<int>& classes) {
  return packed(std::vector<std::uint16_t>(classes.begin(), classes.end()));
}

std::string packed_confidences(const std::vector<float>& confidences) {
  std::vector<std::uint16_t> values;
  for (const float c : confidences)
    values.push_back(static_cast<std::uint16_t>(std::lround(65535.0 * static_cast<double>(c))));
  return packed(values);
}

Json rows_json(const ExitScores& scores) {
  Json prediction = Json::array(), confidence = Json::array();
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    prediction.push_back(packed_classes(scores.prediction[exit]));
    confidence.push_back(packed_confidences(scores.confidence[exit]));
  }
  return {{"label", packed_classes(scores.labels)},
          {"prediction", prediction},
          {"confidence", confidence},
          {"weight", scores.weight.empty() ? Json() : Json(packed(scores.weight))}};
}

Json examples_json(const Dataset& data, const Sweep& sweep, const std::vector<std::int64_t>& rows) {
  Json list = Json::array();
  for (const std::int64_t row : rows) {
    const auto index = static_cast<std::size_t>(row);
    Json answers = Json::array();
    for (std::size_t exit = 0; exit < sweep.scores.exits(); ++exit) {
      answers.push_back({{"exit", sweep.scores.names[exit]},
                         {"index", sweep.scores.prediction[exit][index]},
                         {"confidence", sweep.scores.confidence[exit][index]}});
    }
    Json example = {{"row", row},
                    {"name", data.name(row)},
                    {"label", sweep.scores.labels[index]},
                    {"answers", answers}};
    if (data.kind() == Dataset::Kind::images) {
      example["image"] = "data:image/png;base64," +
                         base64(encode_png(thumbnail(data.image(row), kThumbnailPixels)));
    } else {
      const Text text = data.text(row);
      example["text"] =
          shorten_end(text.first + (text.second ? " | " + *text.second : ""), kExampleBytes);
    }
    list.push_back(std::move(example));
  }
  return list;
}

}  // namespace

Json sweep_json(const Model& model, const Dataset& data, const Sweep& sweep,
                const SweepSource& source) {
  Json exits = Json::array();
  for (std::size_t exit = 0; exit < sweep.exits.size(); ++exit)
    exits.push_back(exit_json(sweep, exit));
  Json certificate = certificate_json(model.certificate());
  if (!certificate.is_null()) certificate["valid"] = model.certificate_problem().empty();
  return {{"format", 1},
          {"model",
           {{"file", source.model_file},
            {"architecture", model.architecture()},
            {"assumptions", assumptions_json(model)},
            {"checked", checked_json(model)},
            {"labels", model.labels()}}},
          {"data",
           {{"name", source.data_name},
            {"rows", sweep.scores.rows()},
            {"kind", model.is_text() ? "texts" : "images"}}},
          {"command", source.command},
          {"machine", {{"threads", source.threads}, {"batch", source.batch}, {"precision", "f32"}}},
          {"mainnet", {{"accuracy", sweep.mainnet_accuracy}, {"ms", sweep.mainnet_ms}}},
          {"exits", exits},
          {"curve", points_json(sweep.uniform, true)},
          {"joint", points_json(sweep.joint, false)},
          {"current", point_json(sweep.current, false)},
          {"certificate", certificate},
          {"rows", rows_json(sweep.scores)},
          {"examples",
           {{"easiest", examples_json(data, sweep, sweep.easiest)},
            {"hardest", examples_json(data, sweep, sweep.hardest)}}}};
}

std::string sweep_csv(const Sweep& sweep) {
  std::ostringstream out;
  out.precision(9);
  out << "kind,accuracy,agreement,compute,ms";
  const auto& names = sweep.scores.names;
  const auto column = [&](const char* what, const std::string& name) {
    std::string field = std::string(what) + " " + name;
    for (std::size_t at = 0; (at = field.find('"', at)) != std::string::npos; at += 2)
      field.insert(at, 1, '"');
    out << ",\"" << field << '"';
  };
  for (std::size_t exit = 0; exit + 1 < names.size(); ++exit) column("threshold", names[exit]);
  for (const std::string& name : names) column("share", name);
  out << '\n';
  const auto add = [&](const char* kind, const OperatingPoint& point) {
    out << kind << ',' << point.accuracy << ',' << point.agreement << ',' << point.compute << ','
        << point.ms;
    for (const double threshold : point.thresholds) out << ',' << threshold;
    double rows = 0;
    for (const std::int64_t count : point.rows) rows += static_cast<double>(count);
    for (const std::int64_t count : point.rows) out << ',' << static_cast<double>(count) / rows;
    out << '\n';
  };
  for (const OperatingPoint& point : sweep.uniform) add("uniform", point);
  for (const OperatingPoint& point : sweep.joint) add("joint", point);
  add("current", sweep.current);
  return out.str();
}

}  // namespace sidenet::tools
