#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sidenet {

/// The page of `sidenet sweep`: one HTML file, UTF-8, that needs no network. `report` is what
/// `sweep --json` writes (format 1); nothing in its strings can end the element that holds it, and
/// bytes that are not UTF-8 are replaced. Throws Error where it is not an object of format 1.
std::string html_report(const nlohmann::json& report);

}  // namespace sidenet
