#include "text_columns.h"

#include <algorithm>
#include <charconv>

#include "column_names.h"
#include "column_stats.h"
#include "sidenet/error.h"
#include "split.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

class Chooser {
 public:
  Chooser(TextFile& file, const TextColumns& wanted, bool labelled)
      : file_(file), wanted_(wanted), labelled_(labelled), reader_(file) {}

  ColumnChoice choose() {
    read_first();
    if (file_.has_objects()) {
      choice_.names = file_.keys.names;
    } else if (file_.format == TextFormat::trec) {
      choice_.names = {"label", "text"};
    } else {
      detect_header();
    }
    resolve_wanted();
    if (!label_) guess_label_by_name();
    if (choice_.text.empty()) guess_text_by_name();
    if (!label_ && (labelled_ || columns_ > 1)) guess_label_by_stats();
    if (choice_.text.empty()) guess_text_by_stats();
    choice_.label = label_;
    check_distinct();
    choice_.note = note();
    return choice_;
  }

 private:
  using Columns = std::vector<std::size_t>;

  void read_first() {
    if (file_.has_objects()) {
      RecordReader objects(file_);
      std::string decoded;
      const std::string_view object = objects.next_object(decoded);
      const Place place{file_.file.name, objects.record_line()};
      if (file_.format == TextFormat::jsonl) refuse_other_json(trimmed(object), place);
      if (!object.empty()) file_.keys = read_json_columns(object, place);
    }
    if (!reader_.next(first_))
      throw Error(printable(file_.file.name) + ": expected rows, got none");
    columns_ = file_.columns = first_.cells.size();
  }

  // A list, or an object over several lines.
  static void refuse_other_json(std::string_view line, const Place& place) {
    if (!line.starts_with('[') && line != "{") return;
    throw Error(place.str() + ": expected one JSON object a line, got " +
                (line == "{" ? "one over several lines: jq -c . FILE > NEW.jsonl"
                             : "a list: name it .json"));
  }

  void detect_header() {
    bool is_header = looks_like_header(first_);
    for (const std::string* list : {&wanted_.text, &wanted_.pair, &wanted_.label}) {
      std::vector<std::string> names = split(*list, ',');
      names.push_back(*list);  // a name may have a comma
      for (const std::string& name : names) {
        is_header =
            is_header || (!name.empty() && !column_number(name) && find_cell(name) < columns_);
      }
    }
    if (!is_header && is_loosely_header_shaped(first_))
      is_header = usual_are_strangers() || label_is_stranger();
    if (!is_header && is_counted_header(first_)) {
      is_header = std::any_of(rest_stats().begin(), rest_stats().end(),
                              [](const ColumnStats& stats) { return stats.is_text_like(); });
    }
    if (!is_header) return;
    choice_.has_header = true;
    for (const Cell& cell : first_.cells) choice_.names.emplace_back(trimmed(cell.text));
  }

  // Of a first line with usual names: none of them is what its column holds.
  bool usual_are_strangers() {
    const Columns usual = usual_columns(first_);
    return !usual.empty() && std::all_of(usual.begin(), usual.end(), [&](std::size_t i) {
      const ColumnStats& rest = rest_stats()[i];
      return rest.is_stranger(first_.cells[i].text) || rest.is_text_like() || rest.is_long();
    });
  }

  // Of a first line of names: its label is on no other line.
  bool label_is_stranger() {
    const auto number = column_number(wanted_.label);
    Columns labels;
    for (std::size_t i = 0; i < columns_; ++i) {
      if (number ? i == *number : wanted_.label.empty() && rest_stats()[i].is_label_like())
        labels.push_back(i);
    }
    return labels.size() == 1 && rest_stats()[labels[0]].is_stranger(first_.cells[labels[0]].text);
  }

  void resolve_wanted() {
    if (!wanted_.text.empty()) {
      const bool is_name = find_name(wanted_.text) < columns_;
      for (const std::string& name :
           is_name ? std::vector{wanted_.text} : split(wanted_.text, ',')) {
        choice_.text.push_back(resolve(name, "--text-column"));
      }
    }
    if (!wanted_.pair.empty()) choice_.pair = resolve(wanted_.pair, "--pair-column");
    const bool has_label =
        find_name(wanted_.label) < columns_ || column_number(wanted_.label).has_value();
    if (!wanted_.label.empty() && (labelled_ || has_label))
      label_ = resolve(wanted_.label, "--label-column");
    guessed_ = choice_.text.empty() || (!label_ && labelled_);
  }

  std::size_t find_cell(const std::string& name) const {
    const auto found = std::find_if(first_.cells.begin(), first_.cells.end(),
                                    [&](const Cell& cell) { return trimmed(cell.text) == name; });
    return static_cast<std::size_t>(found - first_.cells.begin());
  }
  std::size_t find_name(const std::string& name) const {
    const auto found = std::find(choice_.names.begin(), choice_.names.end(), name);
    return found == choice_.names.end() ? columns_
                                        : static_cast<std::size_t>(found - choice_.names.begin());
  }
  // From 0.
  std::optional<std::size_t> column_number(const std::string& text) const {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > columns_)
      return std::nullopt;
    return number - 1;
  }
  std::size_t resolve(const std::string& name, const char* option) const {
    const std::size_t found = find_name(name);
    if (found < columns_) {
      if (std::count(choice_.names.begin(), choice_.names.end(), name) > 1) {
        throw Error(printable(file_.file.name) + ": " + option + ": " + excerpt(name) +
                    " names several columns; expected a number from 1 to " +
                    std::to_string(columns_));
      }
      return found;
    }
    if (const auto number = column_number(name)) return *number;
    throw Error(printable(file_.file.name) + ": " + option + ": expected " +
                (choice_.names.empty() ? "" : "a name or ") + "a number from 1 to " +
                std::to_string(columns_) + ", got " + excerpt(name) + "; " + list_columns());
  }

  bool is_free(std::size_t column) const {
    return label_ != column && choice_.pair != column &&
           std::find(choice_.text.begin(), choice_.text.end(), column) == choice_.text.end();
  }
  template <typename Predicate>
  Columns free_columns(Predicate predicate) const {
    Columns columns;
    for (std::size_t i = 0; i < columns_; ++i) {
      if (is_free(i) && predicate(i)) columns.push_back(i);
    }
    return columns;
  }

  void guess_label_by_name() {
    for (const char* name : kLabelNames) {
      const Columns found = free_columns(
          [&](std::size_t i) { return has_names() && lower_ascii(choice_.names[i]) == name; });
      if (found.size() > 1) fail_unclear("label");
      if (found.size() == 1) {
        label_ = found[0];
        return;
      }
    }
  }
  void guess_text_by_name() {
    if (!has_names()) return;
    const auto named = [&](const auto& names) {
      return free_columns([&](std::size_t i) { return is_one_of(names, choice_.names[i]); });
    };
    const Columns texts = named(kTextNames), titles = named(kTitleNames);
    if (texts.size() > 1 || titles.size() > 1 || !named(kHalfNames).empty()) fail_unclear("text");
    choice_.text = titles;
    choice_.text.insert(choice_.text.end(), texts.begin(), texts.end());
  }
  void guess_label_by_stats() {
    const Columns found = free_columns([&](std::size_t i) { return stats()[i].is_label_like(); });
    if (found.size() != 1 && labelled_) fail_unclear("label");
    if (found.size() == 1) label_ = found[0];
  }
  void guess_text_by_stats() {
    Columns found = free_columns([](std::size_t) { return true; });
    if (found.size() > 1)
      found = free_columns([&](std::size_t i) { return stats()[i].is_text_like(); });
    // A short text in front of one far longer is its title; two of about the same length are a
    // pair, say.
    constexpr double kTitleRatio = 3.0;
    const bool has_title = found.size() == 2 && kTitleRatio * stats()[found[0]].mean_bytes() <=
                                                    stats()[found[1]].mean_bytes();
    if (found.size() != 1 && !has_title) fail_unclear("text");
    choice_.text = found;
  }
  void check_distinct() const {
    Columns used = choice_.columns();
    std::sort(used.begin(), used.end());
    const auto twice = std::adjacent_find(used.begin(), used.end());
    if (twice != used.end()) {
      throw Error(printable(file_.file.name) +
                  ": expected different columns for text and label, got column " +
                  choice_.shown(*twice) + " twice");
    }
  }

  bool has_names() const { return !choice_.names.empty(); }

  // Of all records but the first.
  const std::vector<ColumnStats>& rest_stats() {
    if (stats_.empty()) stats_ = column_stats(file_.file, reader_, columns_);
    return stats_;
  }
  // Of all records but a header.
  const std::vector<ColumnStats>& stats() {
    rest_stats();
    for (std::size_t i = 0; i < columns_ && !choice_.has_header && !first_added_; ++i)
      stats_[i].add(first_.cells[i]);
    first_added_ = true;
    return stats_;
  }

  std::string list_columns() const {
    constexpr std::size_t kMost = 5, kBytes = 20;
    std::string list = "the columns are ";
    for (std::size_t i = 0; i < std::min(columns_, kMost); ++i) {
      list += (i == 0 ? "" : ", ") + std::to_string(i + 1) + " " +
              (has_names() ? excerpt(choice_.names[i], kBytes)
                           : "(" + excerpt(first_.cells[i].text, kBytes) + ")");
    }
    return list + (columns_ > kMost ? ", … (" + std::to_string(columns_) + ")" : "");
  }
  [[noreturn]] void fail_unclear(const char* what) const {
    throw Error(printable(file_.file.name) + ": which column is the " + what +
                " is not clear: give --text-column" + (labelled_ ? " and --label-column" : "") +
                " (of pairs --pair-column); " + list_columns());
  }

  std::string note() const {
    const bool delimited = file_.format == TextFormat::tsv || file_.format == TextFormat::csv;
    std::string parts = file_.found;
    const auto add = [&](const std::string& part) { parts += (parts.empty() ? "" : "; ") + part; };
    const char* cells = columns_ == 1 ? "one text a line" : "cells between tabs";
    if (file_.sniffed && file_.format == TextFormat::jsonl) {
      add("JSON lines");
    } else if (file_.sniffed) {
      add(delimited ? cells : "TREC's lines (LABEL:detail text)");
    }
    if (delimited) add(choice_.has_header ? "header" : "no header");
    if (delimited || (file_.has_objects() && guessed_)) {
      std::string columns = choice_.text.size() > 1 ? "text columns " : "text column ";
      for (std::size_t i = 0; i < choice_.text.size(); ++i)
        columns += (i == 0 ? "" : " and ") + choice_.shown(choice_.text[i]);
      if (choice_.pair) columns += ", pair column " + choice_.shown(*choice_.pair);
      const char* label = labelled_ ? ", label column " : ", label column left aside: ";
      if (choice_.label) columns += label + choice_.shown(*choice_.label);
      add(columns);
    }
    return parts.empty() ? "" : printable(file_.file.name) + ": " + parts;
  }

  TextFile& file_;
  const TextColumns& wanted_;
  bool labelled_;
  RecordReader reader_;  // behind the first record
  Record first_;
  std::size_t columns_ = 0;
  ColumnChoice choice_;
  std::optional<std::size_t> label_;
  bool guessed_ = true, first_added_ = false;
  std::vector<ColumnStats> stats_;
};

}  // namespace

std::vector<std::size_t> ColumnChoice::columns() const {
  std::vector<std::size_t> all = text;
  if (pair) all.push_back(*pair);
  if (label) all.push_back(*label);
  return all;
}

std::string ColumnChoice::shown(std::size_t column) const {
  return names.empty() ? std::to_string(column + 1) : excerpt(names[column]);
}

ColumnChoice choose_columns(TextFile& file, const TextColumns& wanted, bool labelled) {
  return Chooser(file, wanted, labelled).choose();
}

}  // namespace sidenet
