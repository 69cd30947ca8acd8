// Every configuration that users are shown must be one that loads.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::config {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void ExpectLoads(const std::string& text, const std::string& name) {
  const auto config = Parse(text, name, [](const char*) -> const char* { return nullptr; });
  if (config) return;
  for (const auto& error : config.error()) ADD_FAILURE() << ToString(name, error);
}

TEST(Examples, FilesInDeployLoad) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(UPGATE_SOURCE_DIR) / "deploy")) {
    if (!entry.path().string().ends_with(".example.yaml")) continue;
    ++found;
    ExpectLoads(Read(entry.path()), entry.path().string());
  }
  EXPECT_GE(found, 1);
}

TEST(Examples, ConfigurationsInTheReadmeLoad) {
  const std::string readme = Read(fs::path(UPGATE_SOURCE_DIR) / "README.md");
  const std::string opening = "```yaml\n";
  int found = 0;
  for (std::size_t at = readme.find(opening); at != std::string::npos; at = readme.find(opening, at)) {
    at += opening.size();
    ExpectLoads(readme.substr(at, readme.find("```", at) - at), "README.md");
    ++found;
  }
  EXPECT_GE(found, 1);
}

}  // namespace
}  // namespace upgate::config
