/* The one function of Windows's bcryptprimitives.dll that Rust's standard library asks for; wine 8
   has no such library. It passes the question on to the one that wine has. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    return SystemFunction036(data, (ULONG)size);
}
