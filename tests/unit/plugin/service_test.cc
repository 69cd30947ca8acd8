#include "gateway/plugin/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Named final : public Service {
 public:
  explicit Named(bool websocket) : websocket_(websocket) {}
  bool serves_websocket() const override { return websocket_; }
  std::unique_ptr<Instance> Start(Host&) const override { return nullptr; }

 private:
  bool websocket_;
};

ServiceFactory MakeNamed(bool websocket) {
  return [websocket](const ServiceSetup&) { return std::make_unique<Named>(websocket); };
}

bool ServesWebSocket(const ServiceFactory& factory) {
  const config::Route route;
  std::vector<config::ConfigError> errors;
  return factory({route.path, route.limits, config::Field(route.options, "options", errors), {}})
      ->serves_websocket();
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
  class Plain final : public Service {
    std::unique_ptr<Instance> Start(Host&) const override { return nullptr; }
  };
  Plain service;
  EXPECT_FALSE(service.serves_http());
  EXPECT_FALSE(service.serves_websocket());
}

std::vector<config::ConfigError> ErrorsOf(const config::Value& options) {
  std::vector<config::ConfigError> errors{{{1, 1}, "earlier", "stays"}};
  RejectOptions(config::Field(options, "routes[2].options", errors), "echo");
  errors.erase(errors.begin());
  return errors;
}

TEST(RejectOptionsTest, AnEmptyMapIsFine) {
  config::Value options;
  options.kind = config::Value::Kind::kMap;
  EXPECT_THAT(ErrorsOf(options), IsEmpty());
}

TEST(RejectOptionsTest, AnOptionIsNot) {
  config::Value options;
  options.kind = config::Value::Kind::kMap;
  options.members.emplace_back();
  EXPECT_EQ(ErrorsOf(options).size(), 1U);
}

class RejectOptionsOfKind : public TestOfCase<config::Value::Kind> {};

TEST_EACH(RejectOptionsOfKind, SaysWhereAndForWhom) {
  config::Value options;
  options.kind = GetParam();
  options.mark = {7, 14};
  const std::vector<config::ConfigError> errors = ErrorsOf(options);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].mark.line, 7);
  EXPECT_EQ(errors[0].mark.column, 14);
  EXPECT_EQ(errors[0].key, "routes[2].options");
  EXPECT_THAT(errors[0].message, HasSubstr("'echo'"));
}

INSTANTIATE_CASES(Kinds, RejectOptionsOfKind, config::Value::Kind::kNull,
                  config::Value::Kind::kScalar, config::Value::Kind::kSequence);

}  // namespace
}  // namespace upgate::plugin
