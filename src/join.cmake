# A static library hides no name from what it is linked with, even if its visibility is hidden: so its objects are first
# joined into one, and all names but the public ones made local to that.
function(loam_join_objects joined)
  add_custom_command(OUTPUT ${joined}
    COMMAND ${CMAKE_LINKER} -r -o ${joined} ${ARGN}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${joined}
    DEPENDS ${ARGN} COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
endfunction()
