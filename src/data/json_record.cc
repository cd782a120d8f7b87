#include "json_record.h"

#include <algorithm>
#include <optional>
#include <utility>

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
      if (columns_.index.contains(text)) return;  // of an object before; twice in one is refused
      if (columns_.names.size() == kMaxColumns)
        refuse("expected at most " + std::to_string(kMaxColumns) + " keys, got more");
      collected_->index.emplace(text, columns_.names.size());
      collected_->read.push_back(columns_.names.size());
      collected_->names.push_back(text);
    } else if (const auto found = columns_.index.find(text); found != columns_.index.end()) {
      column_ = found->second;
    }
    if (columns_.keep_raw) members_.push_back(column_);
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

  /// The column of each key, in their order; only where columns.keep_raw.
  const std::vector<std::optional<std::size_t>>& members() const { return members_; }

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
  std::vector<std::optional<std::size_t>> members_;
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

/// The values of an object that has been read, one by one.
class Values {
 public:
  explicit Values(std::string_view object) : object_(object), at_(object.find('{') + 1) {}

  std::string next() {
    at_ = std::min(object_.find('"', at_), object_.size());
    skip_value();  // the key
    at_ = std::min(object_.find(':', at_), object_.size() - 1) + 1;
    at_ = std::min(object_.find_first_not_of(kWhite, at_), object_.size());
    const std::size_t begin = at_;
    skip_value();
    std::string value(object_.substr(begin, at_ - begin));
    // Line ends stand between values alone.
    std::erase_if(value, [](char c) { return c == '\n' || c == '\r'; });
    at_ = std::min(object_.find_first_of(",}", at_), object_.size() - 1) + 1;
    return value;
  }

 private:
  static constexpr std::string_view kWhite = " \t\r\n";

  /// A string, a list or an object, or what stands in front of a comma or an end.
  void skip_value() {
    std::size_t depth = 0;
    for (bool in_string = false; at_ < object_.size(); ++at_) {
      const char c = object_[at_];
      if (in_string) {
        if (c == '\\') ++at_;
        in_string = c != '"';
        if (!in_string && depth == 0) {
          ++at_;
          return;
        }
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == '}' || kWhite.find(c) != std::string_view::npos)) {
        return;
      } else if (c == '}' || c == ']') {
        if (--depth == 0) {
          ++at_;
          return;
        }
      }
    }
  }

  std::string_view object_;
  std::size_t at_;
};

constexpr JsonLimits kLineLimits{kMaxJsonLineBytes, 64, 200'000, kMaxJsonLineBytes};

}  // namespace

void JsonColumns::forget_from(std::size_t column) {
  for (std::size_t i = column; i < names.size(); ++i) index.erase(names[i]);
  names.resize(std::min(column, names.size()));
  read.resize(std::min(column, read.size()));
}

void JsonColumns::keep(const std::vector<std::size_t>& columns) {
  read = columns;
  index.clear();
  for (const std::size_t column : columns) index.emplace(names.at(column), column);
}

bool is_absent(std::string_view problem) { return problem == kMissing || problem == kNull; }

JsonColumns read_json_columns(std::string_view line, const Place& place) {
  JsonColumns columns;
  add_json_columns(line, place, columns);
  return columns;
}

void add_json_columns(std::string_view line, const Place& place, JsonColumns& columns) {
  LineHandler handler(place, columns);
  read_line(line, kLineLimits, handler);
}

void read_json_record(std::string_view line, const Place& place, const JsonColumns& columns,
                      std::vector<Cell>& cells) {
  cells.resize(columns.names.size());
  for (const std::size_t column : columns.read) {
    cells[column].text.clear();
    cells[column].problem = kMissing;
    cells[column].raw.clear();
  }
  LineHandler handler(place, columns, cells);
  read_line(line, kLineLimits, handler);
  if (!columns.keep_raw) return;
  Values values(line);
  for (const auto& column : handler.members()) {
    std::string value = values.next();
    if (column) cells[*column].raw = std::move(value);
  }
}

}  // namespace sidenet
