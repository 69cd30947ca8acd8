// Every configuration in the documentation must load.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "gateway/config/parse.h"
#include "gateway/config/write_config.h"

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
  if (!config) {
    for (const auto& error : config.error()) ADD_FAILURE() << ToString(name, error);
    return;
  }
  const std::string written = WriteConfig(**config);
  const auto again = Parse(written, name, [](const char*) -> const char* { return nullptr; });
  ASSERT_TRUE(again) << name << ": " << ToString("written", again.error().front());
  EXPECT_EQ(WriteConfig(**again), written) << name;
}

// Every key of `file` must be in `written`, at the same place.
void ExpectKeys(const YAML::Node& file, const YAML::Node& written, const std::string& place) {
  if (file.IsMap() && file.size() > 0) {
    ASSERT_TRUE(written.IsMap()) << place;
    for (const auto& member : file) {
      const auto key = member.first.as<std::string>();
      ASSERT_TRUE(written[key]) << place << "." << key;
      ExpectKeys(member.second, written[key], place + "." + key);
    }
  } else if (file.IsSequence()) {
    ASSERT_TRUE(written.IsSequence()) << place;
    ASSERT_EQ(file.size(), written.size()) << place;
    for (std::size_t i = 0; i < file.size(); ++i)
      ExpectKeys(file[i], written[i], place + "[" + std::to_string(i) + "]");
  }
}

// The places of all keys of `node`, with neither the numbers of items nor the names of members that
// users choose: "routes.limits.idle".
void CollectPlaces(const YAML::Node& node, const std::string& place,
                   std::set<std::string>& places) {
  if (node.IsSequence()) {
    for (const auto& item : node) CollectPlaces(item, place, places);
  }
  if (!node.IsMap()) return;
  const bool named = place == "backends" || place == "auth" || place == "errors";
  for (const auto& member : node) {
    const auto key = member.first.as<std::string>();
    const std::string below = named ? place + ".*" : place + (place.empty() ? "" : ".") + key;
    if (!named) places.insert(below);
    CollectPlaces(member.second, below, places);
  }
}

std::set<std::string> PlacesIn(const YAML::Node& file) {
  std::set<std::string> places;
  CollectPlaces(file, "", places);
  return places;
}

// The example says of some maps that they are like another one; the place of a key in that.
std::string PlaceShown(const std::string& place) {
  for (const auto& [map, like] : std::initializer_list<std::pair<std::string, std::string>>{
           {"admin.tls.", "listeners.tls."},
           {"routes.limits.bytes.", "routes.limits.messages."},
           {"routes.server_compression.", "routes.compression."}}) {
    if (place.starts_with(map)) return like + place.substr(map.size());
  }
  return place;
}

TEST(Examples, TheExampleHasEveryKeyThatIsWritten) {
  const fs::path file = fs::path(UPGATE_SOURCE_DIR) / "deploy/upgate.example.yaml";
  const auto config = Parse(Read(file), file, [](const char*) -> const char* { return nullptr; });
  ASSERT_TRUE(config);
  const std::set<std::string> shown = PlacesIn(YAML::LoadFile(file));
  for (const std::string& place : PlacesIn(YAML::Load(WriteConfig(**config))))
    EXPECT_TRUE(shown.contains(place) || shown.contains(PlaceShown(place))) << place;
}

TEST(Examples, TheWrittenConfigurationHasEveryKey) {
  const fs::path file = fs::path(UPGATE_SOURCE_DIR) / "deploy/upgate.example.yaml";
  const auto config = Parse(Read(file), file, [](const char*) -> const char* { return nullptr; });
  ASSERT_TRUE(config);
  ExpectKeys(YAML::LoadFile(file), YAML::Load(WriteConfig(**config)), "");
}

// Examples, and the configurations of the package, the image and the compose file.
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

// README.md and every page of docs/, relative to the source folder.
std::vector<std::string> Pages() {
  std::vector<std::string> pages{"README.md"};
  const fs::path root(UPGATE_SOURCE_DIR);
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(fs::relative(entry.path(), root));
  }
  return pages;
}

// The contents of the page's ```yaml blocks, each of which must be a complete configuration.
std::vector<std::string> Configurations(const std::string& page) {
  const std::string opening = "```yaml\n";
  std::vector<std::string> found;
  for (std::size_t at = page.find(opening); at != std::string::npos; at = page.find(opening, at)) {
    at += opening.size();
    found.push_back(page.substr(at, page.find("```", at) - at));
  }
  return found;
}

TEST(Examples, ConfigurationsInThePagesLoad) {
  std::vector<std::string> with_some;
  for (const std::string& page : Pages()) {
    const auto configurations = Configurations(Read(fs::path(UPGATE_SOURCE_DIR) / page));
    for (const std::string& text : configurations) ExpectLoads(text, page);
    if (!configurations.empty()) with_some.push_back(page);
  }
  EXPECT_THAT(with_some, testing::IsSupersetOf({"README.md", "docs/configuration.md",
                                                "docs/http.md", "docs/services.md"}));
}

}  // namespace
}  // namespace upgate::config
