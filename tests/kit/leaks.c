/* leaks.c - a program that ends with what the facilities hold has lost none of it: for LeakSanitizer, see
 * CMakeLists.txt. */
#include <stdlib.h>

#include <loam/lock.h>
#include <loam/map.h>
#include <loam/region.h>
#include <loam/secret.h>
#include <loam/shared.h>

enum { SECRETS = 3000 }; /* of several chunks */

static struct loam_secret_group *group;
static struct loam_shared *heap;
static struct loam_region *volatile region; /* or the compiler would leave it out */
static struct loam_map ring;
static char page[100];

int main(void)
{
    group = loam_secret_group_create("kept", LOAM_SECRET_BEST_EFFORT);
    for (int i = 0; i < SECRETS; i++)
        if (!group || !loam_secret_alloc(group, 32))
            return EXIT_FAILURE;
    region = loam_region_create();
    if (!region || !loam_region_strdup(region, "kept") || !loam_scratch(100))
        return EXIT_FAILURE;
    if (loam_shared_anonymous(0, &heap) != 0 || !loam_shared_alloc(heap, 100))
        return EXIT_FAILURE;
    loam_lock(page, sizeof(page)); /* as far as the limit goes */
    return loam_map_ring(sizeof(page), &ring) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
