#include "quoted_scan.h"

#include <algorithm>
#include <array>

#include "text_cell.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

std::size_t end_of_line(std::string_view bytes, std::size_t at) {
  return std::min(bytes.find('\n', at), bytes.size());
}

std::string_view text_of(const FileBytes& file) {
  return without_mark({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
}

class Scanner {
 public:
  Scanner(const FileBytes& file, char delimiter)
      : bytes_(text_of(file)), passed_(file), delimiter_(delimiter) {}

  QuotedScan scan() {
    while (at_ < bytes_.size()) {
      passed_.at(at_);
      if (is_empty_line()) {
        at_ = end_of_line(bytes_, at_) + 1;
        ++line_;
      } else if (!record()) {
        return {};
      }
    }
    scan_.columns = columns_;
    for (std::size_t i = 0; i < columns_; ++i) {
      scan_.is_column_enclosed = scan_.is_column_enclosed || of_[i].enclosed == records_;
      if (of_[i].enclosed == records_) continue;
      scan_.needless += of_[i].needless + (of_[i].bare_commas > 0 ? of_[i].commas : 0);
    }
    if (scan_.bare_line == 0 && scan_.needless > 0) scan_.bare_line = needless_line_;
    return scan_;
  }

 private:
  struct Column {
    std::int64_t enclosed = 0, needless = 0, commas = 0, bare_commas = 0;
  };

  bool is_empty_line() const {
    return bytes_[at_] == '\n' || bytes_.substr(at_, 2) == "\r\n" || bytes_.substr(at_) == "\r";
  }

  bool record() {
    std::size_t column = 0;
    for (bool more = true; more; ++column) {
      if (column == kMaxColumns) return false;
      if (at_ < bytes_.size() && bytes_[at_] == '"') {
        if (!enclosed_cell(of_[column])) return false;
      } else {
        bare_cell(of_[column]);
      }
      more = at_ < bytes_.size() && bytes_[at_] == delimiter_;
      ++at_;
    }
    ++line_;
    if (records_++ == 0) {
      columns_ = column;
      // A header has quotes where numbers below it have none.
      if (scan_.enclosed == static_cast<std::int64_t>(column)) forget_needless();
    }
    return column == columns_;
  }

  void forget_needless() {
    for (Column& column : of_) column.needless = column.commas = 0;
    needless_line_ = 0;
  }

  bool enclosed_cell(Column& column) {
    const std::size_t begin = ++at_;
    bool doubled = false;
    for (;;) {
      at_ = bytes_.find('"', at_);
      if (at_ == std::string_view::npos) return false;
      if (at_ + 1 >= bytes_.size() || bytes_[at_ + 1] != '"') break;
      doubled = true;
      at_ += 2;
    }
    const std::string_view cell = bytes_.substr(begin, at_++ - begin);
    if (bytes_.substr(at_, 2) == "\r\n" || bytes_.substr(at_) == "\r") ++at_;
    if (at_ < bytes_.size() && bytes_[at_] != delimiter_ && bytes_[at_] != '\n') return false;
    const bool parted = cell.find(delimiter_) != std::string_view::npos ||
                        cell.find('\n') != std::string_view::npos;
    ++scan_.enclosed;
    ++column.enclosed;
    if (parted) ++scan_.parted;
    if (doubled || parted) {
      if (scan_.needed++ == 0) scan_.needed_line = line_;
    } else if (cell.find(',') != std::string_view::npos) {
      ++column.commas;
    } else {
      if (needless_line_ == 0) needless_line_ = line_;
      ++column.needless;
    }
    line_ += std::count(cell.begin(), cell.end(), '\n');
    return true;
  }

  void bare_cell(Column& column) {
    const std::size_t begin = at_;
    while (at_ < bytes_.size() && bytes_[at_] != delimiter_ && bytes_[at_] != '\n') ++at_;
    const std::string_view cell = bytes_.substr(begin, at_ - begin);
    if (cell.find(',') != std::string_view::npos) ++column.bare_commas;
    bool loose = false, escaped = false;
    for (std::size_t quote = cell.find('"'); quote != std::string_view::npos;
         quote = cell.find('"', quote + 1)) {
      (quote > 0 && cell[quote - 1] == '\\' ? escaped : loose) = true;
    }
    if (loose && scan_.loose++ == 0) scan_.bare_line = line_;
    if (escaped) ++scan_.escaped;
  }

  std::string_view bytes_;
  PassedPages passed_;
  char delimiter_;
  std::size_t at_ = 0, columns_ = 0;
  std::int64_t line_ = 1, records_ = 0, needless_line_ = 0;
  std::array<Column, kMaxColumns> of_{};
  QuotedScan scan_;
};

}  // namespace

QuotedScan scan_quoted(const FileBytes& file, char delimiter) {
  return Scanner(file, delimiter).scan();
}

std::size_t plain_columns(const FileBytes& file, char delimiter) {
  const std::string_view bytes = text_of(file);
  PassedPages passed(file);
  std::size_t columns = 0;
  for (std::size_t at = 0, end = 0; at < bytes.size(); at = end + 1) {
    passed.at(at);
    end = end_of_line(bytes, at);
    const std::string_view line = bytes.substr(at, end - at);
    if (line.empty() || line == "\r") continue;
    const auto count =
        1 + static_cast<std::size_t>(std::count(line.begin(), line.end(), delimiter));
    if (columns != 0 && count != columns) return 0;
    columns = count;
  }
  return columns;
}

bool has_opening_quote(const FileBytes& file, char delimiter) {
  const std::string_view bytes = text_of(file);
  PassedPages passed(file);
  for (std::size_t at = bytes.find('"'); at != std::string_view::npos;
       at = bytes.find('"', at + 1)) {
    passed.at(at);
    if (at == 0 || bytes[at - 1] == delimiter || bytes[at - 1] == '\n') return true;
  }
  return false;
}

}  // namespace sidenet
