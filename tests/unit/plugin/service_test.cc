#include "gateway/plugin/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NoHost final : public Host {
 public:
  std::string StatsJson() const override { return "{}"; }
  std::string StatsPrometheus() const override { return ""; }
};

class Named final : public Service {
 public:
  explicit Named(bool websocket) : websocket_(websocket) {}
  bool serves_websocket() const override { return websocket_; }

 private:
  bool websocket_;
};

ServiceFactory MakeNamed(bool websocket) {
  return [websocket](const config::Value&, Host&, std::vector<config::ConfigError>&) {
    return std::make_unique<Named>(websocket);
  };
}

bool ServesWebSocket(const ServiceFactory& factory) {
  NoHost host;
  std::vector<config::ConfigError> errors;
  return factory({}, host, errors)->serves_websocket();
}

TEST(RegistryTest, FindsWhatWasAdded) {
  Registry registry;
  EXPECT_EQ(registry.FindService("chat"), nullptr);
  EXPECT_THAT(registry.ServiceNames(), IsEmpty());
  registry.AddService("files", MakeNamed(false));
  registry.AddService("chat", MakeNamed(true));
  ASSERT_NE(registry.FindService("chat"), nullptr);
  ASSERT_NE(registry.FindService("files"), nullptr);
  EXPECT_TRUE(ServesWebSocket(*registry.FindService("chat")));
  EXPECT_FALSE(ServesWebSocket(*registry.FindService("files")));
  EXPECT_THAT(registry.ServiceNames(), ElementsAre("chat", "files"));
}

TEST(RegistryTest, NamesAreTakenAsWritten) {
  Registry registry;
  registry.AddService("chat", MakeNamed(true));
  for (const char* name : {"", "Chat", "cha", "chat ", "chats"}) {
    EXPECT_EQ(registry.FindService(name), nullptr) << name;
  }
}

TEST(ServiceTest, ServesNothingByItself) {
  class Plain final : public Service {};
  Plain service;
  EXPECT_FALSE(service.serves_http());
  EXPECT_FALSE(service.serves_websocket());
}

TEST(RejectOptionsTest, NoOptionsAreFine) {
  std::vector<config::ConfigError> errors;
  RejectOptions({}, "echo", errors);
  EXPECT_THAT(errors, IsEmpty());
}

class RejectOptionsOfKind : public testing::TestWithParam<config::Value::Kind> {};

TEST_P(RejectOptionsOfKind, SaysWhereAndForWhom) {
  config::Value options;
  options.kind = GetParam();
  options.mark = {7, 14};
  std::vector<config::ConfigError> errors{{{1, 1}, "earlier", "stays"}};
  RejectOptions(options, "echo", errors);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].key, "earlier");
  EXPECT_EQ(errors[1].mark.line, 7);
  EXPECT_EQ(errors[1].mark.column, 14);
  EXPECT_EQ(errors[1].key, "options");
  EXPECT_THAT(errors[1].message, HasSubstr("'echo'"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RejectOptionsOfKind,
                         testing::Values(config::Value::Kind::kNull, config::Value::Kind::kScalar,
                                         config::Value::Kind::kSequence,
                                         config::Value::Kind::kMap));

}  // namespace
}  // namespace upgate::plugin
