# Writes OUTPUT, a header with the text of INPUT as a constant. Called by patient_http_embed().
file(READ ${INPUT} text)
get_filename_component(name ${INPUT} NAME)
string(REGEX REPLACE "[^A-Za-z0-9]+" ";" words ${name})
set(constant k)
foreach(word ${words})
  string(SUBSTRING ${word} 0 1 first)
  string(SUBSTRING ${word} 1 -1 rest)
  string(TOUPPER ${first} first)
  string(APPEND constant ${first}${rest})
endforeach()
file(WRITE ${OUTPUT} "// Made from ${name} at build time.\n#pragma once\n\n#include <string_view>\n\n"
  "namespace patient_http::embedded {\n"
  "inline constexpr std::string_view ${constant} = R\"EMBEDDED(${text})EMBEDDED\";\n"
  "}  // namespace patient_http::embedded\n")
