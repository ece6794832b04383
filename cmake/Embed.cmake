# Turns a text file into a C string: cmake -DINPUT=page.js -DOUTPUT=page_js.c -DNAME=PAGE_JS -P Embed.cmake
file(READ ${INPUT} bytes HEX)
if(bytes MATCHES "^(..)*[89a-f][0-9a-f]")
  message(FATAL_ERROR "${INPUT}: only ASCII can be embedded")
endif()
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made from ${INPUT}. */\nextern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
