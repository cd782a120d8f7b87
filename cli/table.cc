#include "table.h"

#include <algorithm>
#include <utility>

#include "text.h"

namespace sidenet::tools {
namespace {

// Of a column that fits its cells. A longer cell sticks out: a name of megabytes in a file must not
// pad every other row.
constexpr std::size_t kWidest = 160;

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_)
    column.width = std::max(column.width, display_width(column.title));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = printable(cells[i]);
    columns_[i].width = std::max(columns_[i].width, std::min(display_width(cells[i]), kWidest));
  }
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) {
  print_titles(out);
  for (const auto& row : rows_) print_row(out, row);
}

void Table::print_titles(std::ostream& out) const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  print_row(out, titles);
}

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells) const {
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string cell = i < cells.size() ? printable(cells[i]) : "";
    const std::size_t width = display_width(cell);
    const std::string padding(columns_[i].width > width ? columns_[i].width - width : 0, ' ');
    line += (i == 0 ? "" : "  ") + (columns_[i].right ? padding + cell : cell + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace sidenet::tools
