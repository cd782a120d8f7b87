#include "json_record.h"

#include <optional>

#include "bounded_json.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

constexpr const char *kMissing = "no such key", *kNull = "null";

// Only the values right inside the line's object count.
class LineHandler : public JsonHandler {
 public:
  /// Collects keys.
  LineHandler(const Place& place, JsonColumns& collected)
      : place_(place), columns_(collected), collected_(&collected) {}
  /// Fills cells, all of which have the problem kMissing.
  LineHandler(const Place& place, const JsonColumns& columns, std::vector<Cell>& cells)
      : place_(place), columns_(columns), cells_(&cells) {}

  JsonName name() const override { return {place_.str(), ""}; }
  std::string byte(std::size_t position) const override {
    return JsonHandler::byte(position) + " of the line";
  }

  void key(const std::string& text) override {
    if (depth() != 1) return;
    column_.reset();
    if (collected_ != nullptr) {
      if (columns_.names.size() == kMaxColumns)
        refuse("expected at most " + std::to_string(kMaxColumns) + " keys, got more");
      collected_->index.emplace(text, columns_.names.size());
      collected_->read.push_back(columns_.names.size());
      collected_->names.push_back(text);
    } else if (const auto found = columns_.index.find(text); found != columns_.index.end()) {
      column_ = found->second;
    }
  }
  void string(const std::string& text) override { value("a string", &text, nullptr); }
  void boolean(bool truth) override { text_value("a bool", truth ? "true" : "false"); }
  void negative(std::int64_t number) override { text_value("a number", std::to_string(number)); }
  void natural(std::uint64_t number) override { text_value("a number", std::to_string(number)); }
  void real(double, const std::string& written) override { value("a number", &written, nullptr); }
  void null() override { value(kNull, nullptr, kNull); }
  Keys begin_object() override {
    if (depth() > 0) value("an object", nullptr, "an object");
    return Keys::checked;
  }
  void begin_list() override { value("a list", nullptr, "a list"); }

 private:
  std::string expected() const override { return "one JSON object"; }

  void text_value(const char* kind, const std::string& text) { value(kind, &text, nullptr); }
  void value(const char* kind, const std::string* text, const char* problem) {
    if (depth() == 0) unexpected(kind);
    if (depth() != 1 || !column_) return;
    Cell& cell = (*cells_)[*column_];
    cell.problem = problem;
    if (text == nullptr) return;
    if (text->size() > kMaxCellBytes) {
      throw Error(place_.str() + ": key " + excerpt(columns_.names[*column_]) +
                  ": expected at most " + std::to_string(kMaxCellBytes) + " bytes, got " +
                  std::to_string(text->size()));
    }
    cell.text = *text;
  }

  const Place& place_;
  const JsonColumns& columns_;
  JsonColumns* collected_ = nullptr;
  std::vector<Cell>* cells_ = nullptr;
  std::optional<std::size_t> column_;  // of the value that comes next
};

// Python's json writes NaN, which is no JSON.
void read_line(std::string_view line, const JsonLimits& limits, JsonHandler& handler) {
  try {
    read_json(line, limits, handler);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.find("malformed JSON") == std::string::npos ||
        (line.find("NaN") == std::string_view::npos &&
         line.find("Infinity") == std::string_view::npos))
      throw;
    throw Error(what + "; NaN and Infinity are no JSON: write null");
  }
}

constexpr JsonLimits kLineLimits{kMaxJsonLineBytes, 64, 200'000, kMaxJsonLineBytes};

}  // namespace

void JsonColumns::keep(const std::vector<std::size_t>& columns) {
  read = columns;
  index.clear();
  for (const std::size_t column : columns) index.emplace(names.at(column), column);
}

bool is_absent(std::string_view problem) { return problem == kMissing || problem == kNull; }

JsonColumns read_json_columns(std::string_view line, const Place& place) {
  JsonColumns columns;
  LineHandler handler(place, columns);
  read_line(line, kLineLimits, handler);
  return columns;
}

void read_json_record(std::string_view line, const Place& place, const JsonColumns& columns,
                      std::vector<Cell>& cells) {
  cells.resize(columns.names.size());
  for (const std::size_t column : columns.read) {
    cells[column].text.clear();
    cells[column].problem = kMissing;
  }
  LineHandler handler(place, columns, cells);
  read_line(line, kLineLimits, handler);
}

}  // namespace sidenet
