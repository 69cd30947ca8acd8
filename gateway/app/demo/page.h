#pragma once

#include <string_view>

namespace upgate::app {

// The text of demo_page.html, embedded by the build.
std::string_view DemoPage();

}  // namespace upgate::app
