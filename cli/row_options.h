#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "json_lines.h"
#include "sidenet/dataset.h"

namespace sidenet::tools {

/// Which rows of the data: --skip, --limit, --split, --sample and --rows-seed.
void add_row_options(CLI::App& sub, DatasetOptions& options);

/// An option for a part of the rows.
CLI::Option* add_split_option(CLI::App& sub, const std::string& name, RowSplit& target,
                              const std::string& description);

/// As they would be typed; those that are at their default are left out.
std::vector<std::pair<std::string, std::string>> row_words(const DatasetOptions& options);

/// A data set and its name on the command line.
using NamedData = std::pair<std::string, std::shared_ptr<const Dataset>>;
/// Adds the field "taken", which says of each what rows were chosen, and by what; only where an
/// option chose some.
void add_taken(Json& json, const std::vector<NamedData>& data, const DatasetOptions& options);

}  // namespace sidenet::tools
