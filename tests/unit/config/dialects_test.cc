#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

std::string ErrorsOfDialects(std::string_view list) {
  return ErrorsOfListener("    address: a:1\n    dialects: " + std::string(list));
}

TEST(DialectsTest, AreOffUntilAskedFor) {
  const auto config = Parsed(
      "listeners: [ { address: a:1 }, { address: a:2, dialects: [ hixie76, rfc6455, hixie75, "
      "hybi08 ] } ]\n"
      "routes: [ { path: /a, plugin: echo }, { path: /b, plugin: echo, dialects: [ hybi08 ] } ]\n");
  EXPECT_EQ(config->listeners[0].dialects, (DialectSet{Dialect::kRfc6455}));
  EXPECT_EQ(config->listeners[1].dialects, (DialectSet{Dialect::kRfc6455, Dialect::kHybi08,
                                                       Dialect::kHixie76, Dialect::kHixie75}));
  EXPECT_EQ(config->listeners[1].dialects.ToString(), "rfc6455, hybi08, hixie76, hixie75");
  EXPECT_FALSE(config->routes[0].dialects);
  EXPECT_EQ(config->routes[1].dialects, (DialectSet{Dialect::kHybi08}));
}

TEST(DialectsTest, MistakesAreNamed) {
  EXPECT_EQ(ErrorsOfDialects("[ hixie77 ]"),
            "4:17: listeners[0].dialects[0]: 'hixie77' is not rfc6455, hybi08, hixie76 or hixie75; "
            "did you mean 'hixie76'?\n");
  EXPECT_EQ(ErrorsOfDialects("[ hybi08, hybi08 ]"),
            "4:25: listeners[0].dialects[1]: 'hybi08' is listed twice\n");
  EXPECT_EQ(ErrorsOfDialects("[ ]"),
            "4:15: listeners[0].dialects: is an empty list; leave dialects out for the default\n");
  EXPECT_EQ(ErrorsOfDialects("hybi08"),
            "4:15: listeners[0].dialects: is text; needs a list: write [ hybi08 ]\n");
}

TEST(DialectsTest, ARouteThatIsBinaryNeedsADialectThatHasIt) {
  const auto errors = [](std::string_view dialects) {
    return ErrorsOfRoute("    path: /\n    backend: app\n    encoding: binary\n    dialects: " +
                         std::string(dialects));
  };
  EXPECT_EQ(errors("[ hixie76, hixie75 ]"),
            "6:15: routes[0].dialects: none of these has binary messages; use encoding: auto, text "
            "or base64\n");
  EXPECT_EQ(errors("[ hixie76, hybi08 ]"), "");
}

}  // namespace
}  // namespace upgate::config
