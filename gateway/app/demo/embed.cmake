# Puts the bytes of a file into a C++ source: cmake -D INPUT=FILE -D OUTPUT=FILE -D HEADER=FILE -D FUNCTION=NAME -P embed.cmake
# FUNCTION, declared by HEADER in namespace upgate::app, returns them as a std::string_view.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
get_filename_component(name ${INPUT} NAME)
file(WRITE ${OUTPUT} "// Made from ${name} by the build.
#include \"${HEADER}\"

namespace upgate::app {
namespace {

constexpr unsigned char kBytes[] = {
${bytes}
};

}  // namespace

std::string_view ${FUNCTION}() { return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)}; }

}  // namespace upgate::app
")
