# cmake -D IN=module.spv -D OUT=module.inc -P MienWords.cmake: the words of a SPIR-V module as C source.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1,\n" words "${bytes}")
file(WRITE ${OUT} "${words}")
