#include "looks.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "digest.h"
#include "json_field.h"
#include "model_data.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;  // of some 900,000 rows
constexpr std::size_t kRowsOfAString = 1000, kDigits = 8;
constexpr int kMostLooks = 10'000;

/// Of everything that answers depend on but temperatures, maps and thresholds, which a look
/// chooses.
std::string network_digest(const ModelData& data) {
  ModelData bare = data;
  bare.certificate.reset();
  const auto clear = [](ExitSpec& exit) {
    exit.temperature = 1;
    exit.threshold = 2;
    exit.map = {};
  };
  for (ExitSpec& exit : bare.exits) clear(exit);
  if (bare.head) clear(*bare.head);
  bare.final_temperature = 1;
  bare.final_map = {};
  return answers_digest(bare);
}

std::string digest_of(const MeasuredExits& measured, const std::vector<std::uint32_t>& rows) {
  Digest digest;
  for (const std::uint32_t row : rows)
    digest.add(std::uint64_t{measured.digests[row]})
        .add(static_cast<std::uint64_t>(measured.labels[row]));
  return digest.hex();
}

std::vector<std::string> as_strings(const std::vector<std::uint32_t>& rows) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % kRowsOfAString == 0) strings.emplace_back();
    strings.back() += to_hex(rows[i]).substr(kDigits);
  }
  return strings;
}

std::vector<std::uint32_t> rows_of(const JsonField& field) {
  std::vector<std::uint32_t> rows;
  for (const JsonField& item : field.items()) {
    const std::string& text = item.string();
    if (text.size() % kDigits != 0) item.refuse("8 hexadecimal digits a row");
    for (std::size_t at = 0; at < text.size(); at += kDigits) {
      std::uint32_t value = 0;
      const char* end = text.data() + at + kDigits;
      if (std::from_chars(text.data() + at, end, value, 16).ptr != end)
        item.refuse("8 hexadecimal digits a row");
      if (!rows.empty() && value < rows.back()) item.refuse("rows in ascending order");
      rows.push_back(value);
    }
  }
  return rows;
}

}  // namespace

Looks::Looks(const Model& model, const MeasuredExits& measured,
             const std::vector<std::uint32_t>& rows, const MeasuredExits* unlabelled,
             const CalibrateOptions& options)
    : options_(options), data_(digest_of(measured, rows)), level_(options.delta) {
  if (options.looks.empty()) return;
  network_ = network_digest(data_of(model));
  for (const std::uint32_t row : rows) rows_.push_back(measured.digests[row]);
  std::sort(rows_.begin(), rows_.end());
  now_ = {.seed = std::to_string(options.seed), .data = data_, .fit = name_of(options.fit)};
  now_.rows = static_cast<std::int64_t>(rows.size());
  now_.winograd = options.execution.winograd;
  now_.kernels = options.execution.kernels;
  if (unlabelled) {
    Digest digest;
    for (const std::uint32_t row : unlabelled->digests) digest.add(std::uint64_t{row});
    now_.unlabelled = digest.hex();
  }
  file_.emplace(options.looks, kMostBytes);
  if (!file_->text().empty()) read();
  const auto same = std::find_if(looks_.begin(), looks_.end(),
                                 [&](const Look& look) { return look.is_same(now_); });
  number_ = static_cast<int>(same - looks_.begin()) + 1;
  if (same != looks_.end()) {
    level_ = same->level;
  } else if (options.planned_looks == 0) {
    level_ = options.delta / (static_cast<double>(number_) * (number_ + 1));
  } else if (number_ <= options.planned_looks) {
    level_ = options.delta / options.planned_looks;
  } else {
    throw Error(options.looks + ": all " + std::to_string(options.planned_looks) +
                " planned looks are spent: fresh rows are a first look, with a file of their own");
  }
  now_.level = level_;
}

void Looks::read() {
  const JsonField file = JsonField::parse(file_->text(), {options_.looks, ""});
  if (file.at("format").integer(0, 1 << 20) != kFormat)
    file.at("format").refuse(std::to_string(kFormat));
  if (file.at("model").string() != network_) {
    throw Error(options_.looks + ": expected looks of this model (" + network_ +
                "), got those of another (" + file.at("model").string() +
                "): each model has a file of its own");
  }
  const auto expect = [&](const char* key, const json& value) {
    if (file.at(key).dump() == value.dump()) return;
    throw Error(options_.looks + ": expected looks of the promise asked for, with " + key + " " +
                value.dump() + ", got " + file.at(key).dump() +
                ": each promise has a file of its own");
  };
  expect("risk", name_of(options_.risk));
  expect("epsilon", *options_.epsilon);
  expect("delta", options_.delta);
  expect("by_class", options_.by_class);
  expect("distinct", options_.distinct);
  expect("planned", options_.planned_looks);
  for (const JsonField& field : file.at("looks").items()) {
    Look look;
    look.level = field.at("level").number(0, options_.delta);
    look.seed = field.at("seed").string();
    look.data = field.at("data").string();
    look.unlabelled = field.at("unlabelled").string();
    look.fit = field.at("fit").string();
    look.rows = field.at("rows").large_integer(1, INT64_MAX);
    if (field.has("winograd")) look.winograd = field.at("winograd").boolean();
    if (field.has("kernels")) look.kernels = read_named<Kernels>(field.at("kernels"));
    look.certified = field.at("certified").boolean();
    looks_.push_back(std::move(look));
    if (looks_.size() > kMostLooks)
      file.at("looks").refuse("at most " + std::to_string(kMostLooks) + " looks");
  }
  expect_rows(rows_of(file.at("rows")));
}

/// The rows of the look before, as often as they came.
void Looks::expect_rows(const std::vector<std::uint32_t>& before) const {
  std::vector<std::uint32_t> missing;
  std::set_difference(before.begin(), before.end(), rows_.begin(), rows_.end(),
                      std::back_inserter(missing));
  if (missing.empty()) return;
  throw Error(options_.looks + ": expected the " + std::to_string(before.size()) +
              " rows of the look before among the data, " + std::to_string(missing.size()) +
              " of them are not: looks are of one set of rows that grows; fresh rows are a first "
              "look, with a file of their "
              "own");
}

void Looks::record(bool certified) {
  if (!file_) return;
  now_.certified = certified;
  if (static_cast<std::size_t>(number_) > looks_.size()) looks_.push_back(now_);
  json looks = json::array();
  for (const Look& look : looks_) {
    looks.push_back({{"level", look.level},
                     {"seed", look.seed},
                     {"data", look.data},
                     {"unlabelled", look.unlabelled},
                     {"rows", look.rows},
                     {"fit", look.fit},
                     {"certified", look.certified}});
    // Left out where they are the default, as in older files.
    if (!look.winograd) looks.back()["winograd"] = false;
    if (look.kernels != Kernels::automatic) looks.back()["kernels"] = name_of(look.kernels);
  }
  const json file = {{"format", kFormat},
                     {"model", network_},
                     {"risk", name_of(options_.risk)},
                     {"epsilon", *options_.epsilon},
                     {"delta", options_.delta},
                     {"by_class", options_.by_class},
                     {"distinct", options_.distinct},
                     {"planned", options_.planned_looks},
                     {"looks", looks},
                     {"rows", as_strings(rows_)}};
  file_->replace(file.dump(1) + "\n");
}

}  // namespace sidenet
