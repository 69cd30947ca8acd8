#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::config {

// An environment with HOST=db.example, PORT=5432, EMPTY= and YAML="x: [1]".
const char* TestEnvironment(const char* name);

// Every error as "line:column: key: message
// "; empty if there are none.
std::string Written(const std::vector<ConfigError>& errors);

// The errors of a whole configuration.
std::string ErrorsOf(std::string_view text);

// A valid configuration. Its file is /etc/upgate/upgate.yaml.
std::shared_ptr<const Config> Parsed(std::string_view text);

// Errors of parts in an otherwise valid configuration; the text begins in line 1, column 1.
std::string ErrorsOfTop(std::string_view lines);  // keys of the top level
std::string ErrorsOfListener(
    std::string_view lines);  // keys of the only listener, indented by 4: line 3 on
std::string ErrorsOfBackend(
    std::string_view lines);  // keys of the only backend, indented by 4: line 3 on
std::string ErrorsOfRoute(
    std::string_view lines);  // keys of the only route, indented by 4: line 3 on

}  // namespace upgate::config
