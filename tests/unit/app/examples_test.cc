// Every configuration that users are shown must be one that loads.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
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

// Examples to copy, and what the package, the image and the compose file bring along.
bool IsConfiguration(const fs::path& file) {
  return file.filename() == "upgate.yaml" || file.string().ends_with(".example.yaml");
}

TEST(Examples, FilesThatShipLoad) {
  std::vector<std::string> found;
  for (const std::string folder : {"deploy", "docker"}) {
    const fs::path root(UPGATE_SOURCE_DIR);
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!IsConfiguration(entry.path())) continue;
      found.push_back(fs::relative(entry.path(), root));
      ExpectLoads(Read(entry.path()), found.back());
    }
  }
  EXPECT_THAT(found,
              testing::IsSupersetOf({"deploy/upgate.example.yaml", "deploy/compose/upgate.yaml",
                                     "deploy/debian/upgate.yaml", "docker/upgate.yaml"}));
}

TEST(Examples, ConfigurationsInTheReadmeLoad) {
  const std::string readme = Read(fs::path(UPGATE_SOURCE_DIR) / "README.md");
  const std::string opening = "```yaml\n";
  int found = 0;
  for (std::size_t at = readme.find(opening); at != std::string::npos;
       at = readme.find(opening, at)) {
    at += opening.size();
    ExpectLoads(readme.substr(at, readme.find("```", at) - at), "README.md");
    ++found;
  }
  EXPECT_GE(found, 1);
}

}  // namespace
}  // namespace upgate::config
