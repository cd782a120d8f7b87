#include "json_record.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

constexpr const char* kMissing = "no such key";

// nlohmann's SAX interface: only the values right inside the line's object count.
class LineHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// Collects keys.
  LineHandler(const Place& place, JsonColumns& collected) : place_(place), columns_(collected), collected_(&collected) {}
  /// Fills cells, all of which have the problem kMissing.
  LineHandler(const Place& place, const JsonColumns& columns, std::vector<Cell>& cells)
      : place_(place), columns_(columns), cells_(&cells) {}

  bool key(std::string& name) override {
    if (depth_ != 1) return true;
    column_.reset();
    const auto found = columns_.index.find(name);
    if (collected_ != nullptr) {
      if (found != columns_.index.end()) fail_twice(name);
      if (columns_.names.size() == kMaxColumns) {
        throw Error(place_.str() + ": expected at most " + std::to_string(kMaxColumns) + " keys, got more");
      }
      collected_->index.emplace(name, columns_.names.size());
      collected_->read.push_back(columns_.names.size());
      collected_->names.push_back(name);
    } else if (found != columns_.index.end()) {
      column_ = found->second;
      if ((*cells_)[*column_].problem != kMissing) fail_twice(name);
    }
    return true;
  }
  bool string(std::string& text) override { return value("a string", &text, nullptr); }
  bool boolean(bool truth) override {
    std::string text = truth ? "true" : "false";
    return value("a boolean", &text, nullptr);
  }
  bool number_integer(std::int64_t number) override {
    std::string text = std::to_string(number);
    return value("a number", &text, nullptr);
  }
  bool number_unsigned(std::uint64_t number) override {
    std::string text = std::to_string(number);
    return value("a number", &text, nullptr);
  }
  bool number_float(double, const std::string& written) override {
    std::string text = written;
    return value("a number", &text, nullptr);
  }
  bool null() override { return value("null", nullptr, "null"); }
  bool binary(binary_t&) override { return value("bytes", nullptr, "bytes"); }
  bool start_object(std::size_t) override {
    if (depth_ > 0) value("an object", nullptr, "an object");
    return ++depth_ > 0;
  }
  bool start_array(std::size_t) override {
    value("a list", nullptr, "a list");
    return ++depth_ > 0;
  }
  bool end_object() override { return --depth_ >= 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw Error(place_.str() + ": expected one JSON object, got malformed JSON at byte " + std::to_string(position) +
                " of the line");
  }

 private:
  bool value(const char* kind, std::string* text, const char* problem) {
    if (depth_ == 0) throw Error(place_.str() + ": expected one JSON object, got " + kind);
    if (depth_ != 1 || !column_) return true;
    Cell& cell = (*cells_)[*column_];
    cell.problem = problem;
    if (text == nullptr) return true;
    if (text->size() > kMaxCellBytes) {
      throw Error(place_.str() + ": key " + excerpt(columns_.names[*column_]) + ": expected at most " +
                  std::to_string(kMaxCellBytes) + " bytes, got " + std::to_string(text->size()));
    }
    cell.text = *text;
    return true;
  }
  [[noreturn]] void fail_twice(const std::string& name) const {
    throw Error(place_.str() + ": expected each key once, got " + excerpt(name) + " twice");
  }

  const Place& place_;
  const JsonColumns& columns_;
  JsonColumns* collected_ = nullptr;
  std::vector<Cell>* cells_ = nullptr;
  std::optional<std::size_t> column_;  // of the value that comes next
  std::int64_t depth_ = 0;
};

}  // namespace

void JsonColumns::keep(const std::vector<std::size_t>& columns) {
  read = columns;
  index.clear();
  for (const std::size_t column : columns) index.emplace(names.at(column), column);
}

JsonColumns read_json_columns(std::string_view line, const Place& place) {
  JsonColumns columns;
  LineHandler handler(place, columns);
  nlohmann::json::sax_parse(line.begin(), line.end(), &handler);
  return columns;
}

void read_json_record(std::string_view line, const Place& place, const JsonColumns& columns, std::vector<Cell>& cells) {
  cells.resize(columns.names.size());
  for (const std::size_t column : columns.read) {
    cells[column].text.clear();
    cells[column].problem = kMissing;
  }
  LineHandler handler(place, columns, cells);
  nlohmann::json::sax_parse(line.begin(), line.end(), &handler);
}

}  // namespace sidenet
