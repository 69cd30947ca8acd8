// Checks deploy/compose.yaml, in which docker would report a mistake only when it runs.
#include <chrono>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "gateway/config/parse.h"

namespace upgate::config {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(UPGATE_SOURCE_DIR) / "deploy";

class ComposeTest : public testing::Test {
 protected:
  // A member of a service, its own or merged with <<.
  static YAML::Node Of(const YAML::Node& service, const std::string& key) {
    if (service[key]) return service[key];
    return service["<<"] ? service["<<"][key] : YAML::Node(YAML::NodeType::Undefined);
  }

  const YAML::Node compose_ = YAML::LoadFile(kFolder / "compose.yaml");
  const YAML::Node services_ = compose_["services"];
};

TEST_F(ComposeTest, HasAGatewayABrokerAndAPage) {
  std::vector<std::string> names;
  for (const auto& entry : services_) names.push_back(entry.first.as<std::string>());
  EXPECT_THAT(names, testing::UnorderedElementsAre("gateway", "mosquitto", "web"));
}

TEST_F(ComposeTest, EveryServiceIsConfinedAndChecked) {
  for (const auto& entry : services_) {
    const YAML::Node service = entry.second;
    SCOPED_TRACE(entry.first.as<std::string>());
    EXPECT_TRUE(Of(service, "read_only").as<bool>(false));
    EXPECT_EQ(Of(service, "cap_drop")[0].as<std::string>(""), "ALL");
    EXPECT_EQ(Of(service, "security_opt")[0].as<std::string>(""), "no-new-privileges:true");
    EXPECT_EQ(Of(service, "healthcheck")["test"][0].as<std::string>(""), "CMD");
    EXPECT_TRUE(Of(service, "stop_grace_period"));
    EXPECT_FALSE(Of(service, "privileged"));
  }
}

TEST_F(ComposeTest, MountedFilesExistAndAreReadOnly) {
  int mounted = 0;
  for (const auto& entry : services_) {
    for (const auto& volume : entry.second["volumes"]) {
      const auto text = volume.as<std::string>();
      EXPECT_TRUE(fs::exists(kFolder / text.substr(0, text.find(':')))) << text;
      EXPECT_TRUE(text.ends_with(":ro")) << text;
      ++mounted;
    }
  }
  EXPECT_EQ(mounted, 3);
  const YAML::Node build = services_["gateway"]["build"];
  EXPECT_TRUE(fs::exists(kFolder / build["context"].as<std::string>() /
                         build["dockerfile"].as<std::string>()));
}

TEST_F(ComposeTest, DockerWaitsLongerThanTheGateway) {
  const auto config = Load(kFolder / "compose/upgate.yaml");
  ASSERT_TRUE(config);
  const auto grace = services_["gateway"]["stop_grace_period"].as<std::string>();
  ASSERT_TRUE(grace.ends_with('s'));
  EXPECT_GT(std::chrono::seconds(std::stoi(grace)), (*config)->shutdown.timeout);
}

TEST_F(ComposeTest, TheGatewaysServersAreServices) {
  const auto config = Load(kFolder / "compose/upgate.yaml");
  ASSERT_TRUE(config);
  for (const auto& [name, backend] : (*config)->backends) {
    for (const Server& server : backend.servers) {
      EXPECT_TRUE(services_[std::get<HostPort>(server.address).host]) << name << ": " << server.url;
    }
  }
}

}  // namespace
}  // namespace upgate::config
