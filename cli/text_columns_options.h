#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "sidenet/dataset.h"

namespace sidenet::tools {

/// Which rows, and where a text file's columns are.
void add_dataset_options(CLI::App& sub, DatasetOptions& options);

/// Where the texts of a table without labels are.
void add_text_columns_options(CLI::App& sub, TextColumns& columns);

/// Opens it, and tells on stderr what was guessed, skipped and chosen.
std::shared_ptr<const Dataset> open_dataset(const std::string& spec, const DatasetOptions& options,
                                            bool quiet);

}  // namespace sidenet::tools
