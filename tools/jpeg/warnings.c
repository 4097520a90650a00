/* What libjpeg-turbo complains about: a line for each file named on stdin.
 *
 * Prints the warnings that a whole decoding gives, in order and each once, or `-`. Bytes that are
 * skipped before a marker are `left` if entropy-coded data come before them and `skipped` if another
 * segment does. `fatal` is an error after which libjpeg gives up.
 *
 * cc -O2 -o warnings warnings.c -ljpeg; tools/jpeg-damage does that. With an argument it prints
 * libjpeg-turbo's version and ends.
 */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

static struct jpeg_error_mgr manager;
static jmp_buf given_up;
static char said[256];
/* Whether the last thing that was read is entropy-coded data. */
static int in_scan;

static void say(const char *what) {
  if (!strstr(said, what) && strlen(said) + strlen(what) + 2 < sizeof said) {
    if (said[0]) strcat(said, " ");
    strcat(said, what);
  }
}

static void give_up(j_common_ptr cinfo) {
  (void)cinfo;
  say("fatal");
  longjmp(given_up, 1);
}

static void note(j_common_ptr cinfo, int level) {
  int code = cinfo->err->msg_code;
  if (level >= 0) {
    in_scan = code == JTRC_SOS || code == JTRC_SOS_COMPONENT || code == JTRC_SOS_PARAMS ||
              code == JTRC_RST || code == JTRC_RECOVERY_ACTION;
    return;
  }
  switch (code) {
    case JWRN_HUFF_BAD_CODE: say("code"); break;
    case JWRN_HIT_MARKER: say("premature"); break;
    case JWRN_MUST_RESYNC: say("restart"); break;
    case JWRN_JPEG_EOF: say("eof"); break;
    case JWRN_EXTRANEOUS_DATA: say(in_scan ? "left" : "skipped"); break;
    default: say("other"); break;
  }
}

static void decode(const unsigned char *bytes, unsigned long length) {
  struct jpeg_decompress_struct cinfo;
  static JSAMPLE pixels[JPEG_MAX_DIMENSION * 4];
  JSAMPROW row = pixels;
  said[0] = 0;
  in_scan = 0;
  cinfo.err = jpeg_std_error(&manager);
  manager.error_exit = give_up;
  manager.emit_message = note;
  jpeg_create_decompress(&cinfo);
  if (!setjmp(given_up)) {
    jpeg_mem_src(&cinfo, bytes, length);
    jpeg_read_header(&cinfo, TRUE);
    jpeg_start_decompress(&cinfo);
    while (cinfo.output_scanline < cinfo.output_height) jpeg_read_scanlines(&cinfo, &row, 1);
    jpeg_finish_decompress(&cinfo);
  }
  jpeg_destroy_decompress(&cinfo);
}

#define TEXT(x) #x
#define STRING(x) TEXT(x)

int main(int count, char **arguments) {
  static char path[4096];
  (void)arguments;
  if (count > 1) {
    puts(STRING(LIBJPEG_TURBO_VERSION));
    return 0;
  }
  while (fgets(path, sizeof path, stdin)) {
    path[strcspn(path, "\n")] = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
      perror(path);
      return 1;
    }
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(length + 1);
    if (fread(bytes, 1, length, file) != (size_t)length) {
      perror(path);
      return 1;
    }
    fclose(file);
    decode(bytes, length);
    puts(said[0] ? said : "-");
    free(bytes);
  }
  return 0;
}
